"""What boots a Linux guest: kernels, their configuration and modules, initial RAM disks."""
