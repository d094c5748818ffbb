"""Numbers as a reader takes them in."""

from __future__ import annotations


def count(number: float, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> count(1, "variant"), count(1200, "variant")
        ('1 variant', '1,200 variants')
    """
    return f"{number:,.0f} {noun}{'' if number == 1 else 's'}"


def share(part: float, whole: float) -> str:
    """Return a part in per cent of a whole.

    Example:
        >>> share(1, 3), share(1, 0)
        ('33.3 %', '-')
    """
    return f"{100 * part / whole:.1f} %" if whole else "-"


def duration(seconds: float) -> str:
    """Return a time in the units that one would say it in.

    Example:
        >>> duration(0.0312), duration(60), duration(75), duration(7300)
        ('31 ms', '1 min', '1 min 15 s', '2 h 2 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    large, small, factor = ("min", "s", 1) if seconds < 3600 else ("h", "min", 60)
    whole, rest = divmod(round(seconds / factor), 60)
    return f"{whole} {large}" + (f" {rest} {small}" if rest else "")


def size(number: float) -> str:
    """Return a number of bytes.

    Example:
        >>> size(1536), size(5 * 2**20)
        ('1.5 KB', '5.0 MB')
    """
    for unit, factor in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number:.0f} bytes"


def quoted(name: str) -> str:
    """Return a name between quotation marks."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{name}\N{RIGHT DOUBLE QUOTATION MARK}"
