"""What an earlier network has left: databases, and names that are taken."""

from collections.abc import Iterator

from tools.preflight.hindrances import Grade, Hindrance
from tools.preflight.inquiries import NAME, Wanted
from tools.preflight.shapes import Row, rows, said

DATABASES = ("(default)", "money")


def of_databases(answer: object, wanted: Wanted) -> Iterator[Hindrance]:
    """Each that is there already: its mode and its place can never be changed."""
    found = {said(each, "name").rpartition("/")[2]: each for each in rows(answer)}
    for name in DATABASES:
        if name in found:
            yield _of_database(name, found[name], wanted)


def _of_database(name: str, database: Row, wanted: Wanted) -> Hindrance:
    mode, place = said(database, "type"), said(database, "locationId")
    if mode != "FIRESTORE_NATIVE":
        return Hindrance(
            "database-mode",
            Grade.REFUSED,
            f"The database {name} is of {mode}, not FIRESTORE_NATIVE: take a project "
            "of the network's own.",
        )
    if place != wanted.database_place:
        return Hindrance(
            "database-place",
            Grade.REFUSED,
            f"The database {name} is in {place}, not in {wanted.database_place}: set "
            f'`firestore_location = "{place}"`, or take another project.',
        )
    address = f'google_firestore_database.databases["{name}"]'
    return Hindrance(
        "database-left",
        Grade.TO_DO,
        f"The database {name} is there already: unless this state made it, "
        f"`terraform import '{address}' 'projects/{wanted.project}/databases/{name}'`.",
    )


def of_names(
    identities: object, secrets: object, networks: object, wanted: Wanted
) -> Iterator[Hindrance]:
    """Names that Terraform gives: who has no state of them cannot make them again."""
    for code, what, taken in (
        ("accounts-left", "service accounts", [said(each, "email") for each in rows(identities)]),
        ("secrets-left", "secrets", [said(each, "name") for each in rows(secrets)]),
        ("network-left", "network", [said(each, "name") for each in rows(networks)]),
    ):
        names = sorted(name.rpartition("/")[2].partition("@")[0] for name in taken)
        ours = [name for name in names if name == NAME or name.startswith(f"{NAME}-")]
        if ours:
            yield Hindrance(
                code,
                Grade.TO_DO,
                f"The {what} {', '.join(ours)} of {wanted.project} exist, though no network runs "
                "here: apply with the state that made them, or delete them.",
            )
