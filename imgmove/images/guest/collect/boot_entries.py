"""What boot loaders are told to start: GRUB 2, GRUB legacy, boot loader specification (BLS), extlinux. Texts to entries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from imgmove.images.guest.collect.text_files import Line

#: Entries beyond are not looked at.
MOST_ENTRIES: Final = 64


@dataclass
class Draft:
    """An entry as it is read, with what a default may name it by."""

    file: str
    line: int
    title: str = ""
    id: str = ""
    place: tuple[str, ...] = ()
    """Its number, or the numbers of the menus around it: `("1", "2")` is the third of the second menu."""
    titles: tuple[str, ...] = ()
    kernel: str = ""
    initramfs: str = ""
    arguments: str = ""
    version: str = ""

    def names(self) -> set[str]:
        """All that a default may call it."""
        return {self.title, self.id, self.version, ">".join(self.place), ">".join(self.titles)} - {""}


@dataclass
class Menu:
    """The entries of one configuration, and what it says about its default (empty: nothing)."""

    entries: list[Draft] = field(default_factory=list)
    default: str = ""
    default_at: str = ""
    uses_bls: bool = False
    uses_saved: bool = False
    """The default is what grubenv's `saved_entry` names."""


_TITLE: Final = re.compile(r"""(?:menuentry|submenu)\s+(?:'([^']*)'|"([^"]*)"|(\S+))""")
_ID: Final = re.compile(r"""(?:--id[= ]|\$\{?menuentry_id_option\}?\s+)\s*(?:'([^']*)'|"([^"]*)"|([^\s{]+))""")
_DEFAULT: Final = re.compile(r"""set\s+default\s*=\s*(?:"([^"]*)"|'([^']*)'|(\S*))""")
_KERNEL_WORDS: Final = frozenset({"linux", "linux16", "linuxefi", "kernel"})
_INITRD_WORDS: Final = frozenset({"initrd", "initrd16", "initrdefi"})


class _Grub2Reader:
    """Reads grub.cfg line by line; menus within menus are counted by their braces."""

    def __init__(self) -> None:
        self.menu = Menu()
        self._open: list[tuple[str, str, str]] = []
        """What is open: its kind (`menuentry`, `submenu`, other), its number, its title."""
        self._counts = [0]

    def read(self, line: Line) -> None:
        words = line.text.split(None, 1)
        word = words[0]
        if word in {"menuentry", "submenu"}:
            self._open_menu(word, line)
        elif word in _KERNEL_WORDS | _INITRD_WORDS and self._inside_entry():
            _fill(self.menu.entries[-1], word, words[1] if len(words) > 1 else "", line.number)
        elif word == "blscfg":
            self.menu.uses_bls = True
        elif (match := _DEFAULT.match(line.text)) and not self._inside_entry():
            self._note_default(_group(match), line)
        elif word.startswith("}"):
            self._close()
        elif line.text.endswith("{"):
            self._open.append(("", "", ""))

    def _inside_entry(self) -> bool:
        return bool(self._open) and self._open[-1][0] == "menuentry" and bool(self.menu.entries)

    def _note_default(self, value: str, line: Line) -> None:
        if "saved_entry" in value:
            self.menu.uses_saved = True
        elif "$" not in value and value:
            self.menu.default, self.menu.default_at = value, line.at

    def _open_menu(self, word: str, line: Line) -> None:
        title = _group(_TITLE.match(line.text))
        number = str(self._counts[-1])
        self._counts[-1] += 1
        outer = [item for item in self._open if item[0] == "submenu"]
        if word == "menuentry" and len(self.menu.entries) < MOST_ENTRIES:
            self.menu.entries.append(
                Draft(
                    line.file, line.number, title, _group(_ID.search(line.text)),
                    place=(*(item[1] for item in outer), number), titles=(*(item[2] for item in outer), title),
                )
            )  # fmt: skip
        if not line.text.endswith("}"):
            self._open.append((word, number, title))
            if word == "submenu":
                self._counts.append(0)

    def _close(self) -> None:
        if self._open and self._open.pop()[0] == "submenu":
            self._counts.pop()


def read_grub2(lines: Iterable[Line]) -> Menu:
    """A grub.cfg."""
    reader = _Grub2Reader()
    for line in lines:
        reader.read(line)
    reader.menu.default = reader.menu.default or "0"
    return reader.menu


def read_grub_legacy(lines: Iterable[Line]) -> Menu:
    """A menu.lst or grub.conf of GRUB 0.9x."""
    menu = Menu(default="0")
    for line in lines:
        word, _, rest = line.text.partition("=") if line.text.startswith("default") else line.text.partition(" ")
        if word.strip() == "default":
            menu.uses_saved = rest.strip() == "saved"
            menu.default, menu.default_at = "0" if menu.uses_saved else rest.strip(), line.at
        elif word == "title" and len(menu.entries) < MOST_ENTRIES:
            menu.entries.append(Draft(line.file, line.number, rest.strip(), place=(str(len(menu.entries)),)))
        elif menu.entries and word in _KERNEL_WORDS | _INITRD_WORDS:
            _fill(menu.entries[-1], word, rest.strip(), line.number)
    return menu


def read_extlinux(lines: Iterable[Line]) -> Menu:
    """An extlinux.conf or syslinux.cfg."""
    menu = Menu()
    for line in lines:
        word, _, rest = line.text.partition(" ")
        word, rest = word.lower(), rest.strip()
        if word in {"default", "ontimeout"} and not menu.default:
            menu.default, menu.default_at = rest, line.at
        elif word == "label" and len(menu.entries) < MOST_ENTRIES:
            menu.entries.append(Draft(line.file, line.number, rest, id=rest, place=(str(len(menu.entries)),)))
        elif menu.entries and word in {"linux", "kernel"}:
            menu.entries[-1].kernel = rest.split()[0] if rest else ""
        elif menu.entries and word == "initrd":
            menu.entries[-1].initramfs = rest.split(",")[-1]
        elif menu.entries and word == "append":
            menu.entries[-1].arguments, menu.entries[-1].line = rest, line.number
            menu.entries[-1].initramfs = menu.entries[-1].initramfs or _argument(rest, "initrd")
    menu.default = menu.default or "0"
    return menu


def read_bls(lines: Iterable[Line], entry_id: str, variables: dict[str, str]) -> Draft | None:
    """One file of /boot/loader/entries; `$kernelopts` and the like are taken from `variables`."""
    draft: Draft | None = None
    for line in lines:
        draft = draft or Draft(line.file, line.number, id=entry_id)
        word, _, rest = line.text.partition(" ")
        rest = rest.strip()
        if word in {"title", "version"}:
            setattr(draft, word, rest)
        elif word in {"linux", "efi"}:
            draft.kernel = rest
        elif word == "initrd":
            draft.initramfs = rest.split()[0] if rest else ""
        elif word == "options":
            draft.line = line.number
            draft.arguments = f"{draft.arguments} {_expanded(rest, variables)}".strip()
    return draft if draft and draft.kernel else None


def _expanded(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"\$\{?(\w+)\}?", lambda match: variables.get(match[1], ""), text)


def _fill(draft: Draft, word: str, rest: str, number: int) -> None:
    """A kernel's or an initramfs's line of an entry. The kernel's is the one to be looked at: it has the arguments."""
    words = rest.split()
    if word in _INITRD_WORDS:
        # Several may be named: microcode comes first, what we want last.
        draft.initramfs = words[-1] if words else ""
    elif words and not draft.kernel:
        draft.kernel, draft.arguments, draft.line = words[0], " ".join(words[1:]), number


def _group(match: re.Match[str] | None) -> str:
    return next((group for group in match.groups() if group is not None), "") if match else ""


def _argument(text: str, name: str) -> str:
    return next((word.partition("=")[2] for word in text.split() if word.startswith(f"{name}=")), "")


def in_newest_order(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """BLS entries as GRUB shows them: the newest version first."""
    return iter(sorted(drafts, key=lambda draft: version_key(draft.id or draft.version), reverse=True))


def version_key(version: str) -> tuple[tuple[int, int, str], ...]:
    """Orders versions as people do: numbers by size, words by letters; a rescue kernel is the oldest of all."""
    if "rescue" in version:
        return ()
    parts = re.findall(r"\d{1,18}|[a-zA-Z]+", version)
    return tuple((1, int(part), "") if part.isdecimal() and part.isascii() else (0, 0, part) for part in parts[:40])
