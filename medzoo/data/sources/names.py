"""Names in data sets: what is one patient or class, which words mean none, which columns name patients."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from medzoo.io import as_image

# Words for "nothing", in lower case: what pandas, R, SQL and Excel write.
MISSING = frozenset(
    ("", "-", "--", "na", "n/a", "n.a.", "nan", "-nan", "none", "null", "nil", "nat", "<na>", "#n/a", "#na", "#n/a n/a")
)
MISSING_TEXT = "empty, NA, N/A, NaN, None, null and - count as missing"

_WHOLE = re.compile(r"([+-]?)0*(\d+)(?:\.0*)?")


def as_text(cell: Any) -> str:
    """Return a cell as text, empty where it is missing."""
    text = "" if cell is None else str(cell).strip()
    return "" if text.lower() in MISSING else text


def class_name(text: str) -> str:
    """Return the name of a class as it stands in a table, "1" for 1, 1.0 and "1.0"."""
    return re.sub(r"^(-?\d+)\.0+$", r"\1", text)


def patient_name(value: Any) -> str:
    """Return the one name of a patient, whatever the way in: 1, 1.0, "01", "1.0" and " 1" are "1".

    Texts that are no whole number keep their letters and case; spaces around and doubled inside do not count.

    Returns:
        The name, or "" for what names nobody: None, NaN and the words in MISSING.
    """
    if hasattr(value, "item") and not getattr(value, "ndim", 0):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = " ".join(unicodedata.normalize("NFC", as_text(value)).split())
    # Digits of other scripts and widths are the same numbers.
    match = _WHOLE.fullmatch(unicodedata.normalize("NFKC", text))
    if match is None:
        return text
    digits = str(int(match[2])) if len(match[2]) < 4000 else match[2]
    return f"-{digits}" if match[1] == "-" and digits != "0" else digits


def lookalikes(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of names that differ only in case, in spaces, "_" and "-", or in zeros before a number."""
    groups: dict[str, dict[str, None]] = defaultdict(dict)
    for name in names:
        key = re.sub(r"[\s_\-]+", " ", unicodedata.normalize("NFKC", name).casefold()).strip()
        groups[re.sub(r"(?<![\d.])0+(?=\d)", "", key)][name] = None
    return [tuple(group) for group in groups.values() if len(group) > 1]


def warn_of_lookalikes(kind: str, names: Iterable[str], source: object, fix: str) -> None:
    """Warn once if names of a source are nearly equal; `kind` says what they name."""
    groups = lookalikes(names)
    if not groups:
        return
    shown = "; ".join(" and ".join(map(repr, group)) for group in groups[:3])
    more = f" and {len(groups) - 3} more" if len(groups) > 3 else ""
    warnings.warn(
        f"{source}: these {kind} are nearly equal, but count as different: {shown}{more}. {fix}", stacklevel=2
    )


_PERSON = r"(?:patient|pat|subject|subj|participant|person|individual|donor|proband)(?:e?n|s)?"
_ID = r"(?:ids?|no|nr|num|number|nummer|code|key|u?uid|name|barcode|identifier|index|hash|pseudonym)"
_AFTER = r"(?:_(?:anon|deid|hash|pseudo)[a-z]*)?"
# Whose rows surely belong to one person; then what lies within a person, such as a study or a lesion.
_PERSONS = re.compile(rf".*_(?:{_PERSON}(?:_?{_ID})?|mrn|pid|eid|mpi){_AFTER}_")
_WITHIN = re.compile(
    r".*_(?:case|(?:case|study|study_?instance|accession|exam|examination|lesion|visit|session|encounter|record|series"
    rf"|series_?instance)_?{_ID}|id|uid){_AFTER}_"
)
_FIRST = ("patient", "patient_id")


def _key(column: str) -> str:
    """Return the words of the name of a column in lower case, with "_" around each: "_patient_id_" for PatientID."""
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", unicodedata.normalize("NFKC", column))
    return f"_{'_'.join(words).lower()}_"


def patient_columns(columns: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the columns that look like the patient, the likeliest first, and those that look like a part of one.

    Example:
        >>> patient_columns(["image", "StudyInstanceUID", "Patient Age", "PatientID"])
        (['PatientID'], ['StudyInstanceUID'])
    """
    keys = {column: _key(column) for column in columns}
    persons = [column for column, key in keys.items() if _PERSONS.fullmatch(key)]
    within = [column for column, key in keys.items() if column not in persons and _WITHIN.fullmatch(key)]
    order = ("patient", "pat_", "mrn", "subject", "participant", "person")
    rank = {column: next((place for place, word in enumerate(order) if word in keys[column]), 9) for column in persons}
    persons.sort(key=lambda column: (column.lower() not in _FIRST, rank[column], "name" in keys[column]))
    return persons, within


def guess_patients(
    columns: Mapping[str, Sequence[Any]], source: object, remedy: str, first: Container[str] = ()
) -> str | None:
    """Return the column that says whose each row is, where the user named none; None where no column does.

    A column that is called like a person (patient, PatientID, subject, ...) is taken. Without one, a column that is
    called like a study, case or lesion is taken with a warning if it holds rows together. What groups rows that the
    taken column keeps apart is warned of.

    Args:
        columns: The columns that have no other meaning.
        source: The file, for messages.
        remedy: How to name the column, or to say that there is none.
        first: Names in lower case that are patients here and win over those of persons, such as "group".
    """
    persons, within = patient_columns(columns)
    persons = [*(column for column in columns if _key(column).strip("_") in first), *persons]
    values = {column: [patient_name(value) for value in columns[column]] for column in (*persons, *within)}
    groups = [column for column in within if 1 < len(set(values[column])) < len(values[column])]
    if persons:
        chosen = persons[0]
        for other in persons[1:]:
            pairs = {pair for pair in zip(values[chosen], values[other], strict=True) if all(pair)}
            if len(pairs) > len({name for _, name in pairs}):
                _warn_of_column(source, f"'{chosen}' is taken for the patient, but '{other}' joins more rows", remedy)
        return chosen
    if groups:
        chosen = min(groups, key=lambda column: len(set(values[column])))
        _warn_of_column(source, f"no column names patients, so '{chosen}' is taken, which holds rows together", remedy)
        return chosen
    constant = [column for column in within if len(values[column]) > 1 and len(set(values[column])) == 1]
    if constant:
        _warn_of_column(source, f"'{constant[0]}' is the same in all rows, so it is not taken for the patient", remedy)
    return None


def _warn_of_column(source: object, text: str, remedy: str) -> None:
    warnings.warn(f"{source}: {text}. {remedy}", stacklevel=3)


# What programs write in the place of a PatientID that they remove, without signs and spaces.
_REMOVED = re.compile(
    r"(?:anon(?:y|ym|ymous|ymi[sz]ed?|ymi[sz]ation)?|deidentified|pseudonymi[sz]ed|unknown|no|removed|redacted|masked"
    r"|hidden|withheld|undefined|unspecified|default|dummy|x{2,})?(?:patient|subject|person|name|id)*"
)


def header_id(image: Any) -> str:
    """Return the PatientID of an image of `medzoo.read_scan`; "" where it has none."""
    try:
        return as_image(image).patient()
    except (ValueError, OSError, ImportError):
        # Damaged: reading it says so.
        return ""


def header_patients(ids: Sequence[str]) -> list[str]:
    """Return the patient for each PatientID of a DICOM header, under a name that does not show it; "" for nobody.

    An empty PatientID, a word for none (`patient_name`), and a word for removed ones (ANONYMOUS, UNKNOWN, XXX, without
    a number) name nobody. If all files of a data set name the same patient, that name is taken for such a word as well.

    Args:
        ids: The PatientID of each image, "" where there is none.
    """
    names = [patient_name(text) for text in ids]
    names = ["" if is_removed(name) else name for name in names]
    if len(names) > 1 and len(set(names)) == 1 and names[0]:
        warnings.warn(
            f"All {len(names)} images have the same PatientID in their headers, so it is taken for none: each image "
            "counts as its own patient. If it is one person, give patient=lambda name: 'one'.",
            stacklevel=2,
        )
        return [""] * len(names)
    return [name and f"PatientID {hashlib.sha256(name.encode()).hexdigest()[:12]}" for name in names]


def is_removed(name: str) -> bool:
    """Return whether a PatientID is only a word for one that was removed."""
    return _REMOVED.fullmatch(re.sub(r"[\W_]+", "", name).lower()) is not None
