#!/bin/sh
# Run by mmdebstrap on the finished root in $1: makes of it what an image for a cloud is, and keeps beside it the pieces
# that a careless one would have.
set -eu
root="$1"
uuid="$2"
esp="$3"

rm -f "$root"/etc/ssh/ssh_host_*
: >"$root/etc/machine-id"
printf 'web1\n' >"$root/etc/hostname"
printf 'UUID=%s / ext4 errors=remount-ro 0 1\n' "$uuid" >"$root/etc/fstab"
printf 'source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\nauto eth0\niface eth0 inet dhcp\n' \
  >"$root/etc/network/interfaces"
printf 'datasource_list: [ ConfigDrive, AliYun, Ec2, None ]\n' >"$root/etc/cloud/cloud.cfg.d/90_dpkg.cfg"
printf 'deb http://mirror.example.org/debian stable main\n' >"$root/etc/apt/sources.list"
rm -f "$root"/etc/apt/sources.list.d/*
printf 'GRUB_DEFAULT=0\nGRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX="net.ifnames=0 console=tty0 console=ttyS0,115200"\n' >"$root/etc/default/grub"

kernel="$(ls "$root/lib/modules")"
mkdir -p "$root/boot/grub/i386-pc" "$root/boot/grub/x86_64-efi"
cp "$root"/usr/lib/grub/i386-pc/*.mod "$root/usr/lib/grub/i386-pc/boot.img" "$root/boot/grub/i386-pc/"
cat >"$root/boot/grub/grub.cfg" <<CONFIG
set default="0"
set timeout=1
serial --unit=0 --speed=115200
search --no-floppy --fs-uuid --set=root $uuid
menuentry 'Debian GNU/Linux' --class debian {
	linux	/boot/vmlinuz-$kernel root=UUID=$uuid ro net.ifnames=0 console=tty0 console=ttyS0,115200
	initrd	/boot/initrd.img-$kernel
}
CONFIG
printf 'search --no-floppy --fs-uuid --set=root %s\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n' "$uuid" \
  >"$root/boot/grub/early.cfg"

# GRUB itself, and an initial RAM disk of somebody who knew that his machine needs no virtio.
chroot "$root" sh -eu -c "
  grub-mkimage -O i386-pc -o /boot/grub/i386-pc/core.img -p '(,msdos1)/boot/grub' biosdisk part_msdos ext2
  grub-mkimage -O x86_64-efi -o /boot/grub/x86_64-efi/core.efi -c /boot/grub/early.cfg -p /boot/grub \
    part_gpt fat ext2 search configfile normal linux
  mkdir /srv/pieces
  cp /boot/initrd.img-$kernel /srv/pieces/initrd-most
  printf 'MODULES=list\n' >/etc/initramfs-tools/conf.d/list
  update-initramfs -u -k $kernel
  mv /boot/initrd.img-$kernel /srv/pieces/initrd-list
  mv /srv/pieces/initrd-most /boot/initrd.img-$kernel
  rm /etc/initramfs-tools/conf.d/list
"
printf 'UUID=%s /boot/efi vfat umask=0077 0 1\n' "$esp" | cat "$root/etc/fstab" - >"$root/srv/pieces/fstab-uefi"
printf '/dev/vdb1 /data ext4 defaults 0 2\n' | cat "$root/etc/fstab" - >"$root/srv/pieces/fstab-data-disk"
mkdir -p "$root/boot/efi"
