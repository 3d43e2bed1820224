"""Whether the region has all that is put there, and room for it."""

from collections.abc import Iterator, Mapping

from tools.preflight.hindrances import Grade, Hindrance
from tools.preflight.inquiries import Wanted
from tools.preflight.shapes import number, row, rows, said, text

CONTROL = "e2-small"
"""The control nodes' machine in a large network: terraform/machines.tf."""
DISK_GB = 10
"""Of each machine, likewise."""
SERVICES = {
    "run regions": "Cloud Run",
    "scheduler regions": "Cloud Scheduler",
    "firestore regions": "Firestore",
    "registry regions": "Artifact Registry",
}
_SHARED = ("e2", "n1")
"""Series whose processors are counted together; every other has a quota of its own."""


def of_service(name: str, answer: object, wanted: Wanted) -> Iterator[Hindrance]:
    """Whether one service is there at all."""
    places = {
        "firestore regions": ("firestore_location", wanted.database_place),
        "scheduler regions": ("scheduler_region", wanted.jobs_region),
    }
    what, place = places.get(name, ("REGION", wanted.region))
    found = {text(each, "locationId") or said(each, "name") for each in rows(answer)}
    if place not in {each.rpartition("/")[2] for each in found}:
        yield Hindrance(
            f"no-{SERVICES[name].lower().replace(' ', '-')}",
            Grade.REFUSED,
            f"{SERVICES[name]} is not in {place}: choose another {what}.",
        )


def of_region(answer: object, wanted: Wanted) -> Iterator[Hindrance]:
    """Whether its machines can be had."""
    region = row(answer)
    if said(region, "status") != "UP":
        yield Hindrance(
            "region-closed",
            Grade.REFUSED,
            f"{wanted.region} takes no machines now: wait, or choose another REGION.",
        )


def of_machines(answer: object, wanted: Wanted) -> Iterator[Hindrance]:
    """Whether each type is in the zone."""
    there = _processors(answer)
    for name in sorted({wanted.machine, *_machines(wanted)} - there.keys()):
        yield Hindrance(
            "no-machine-type",
            Grade.REFUSED,
            f"{wanted.region}-b has no machine {name}: choose another "
            f"{'REGION' if name == CONTROL else 'ingest_machine'}.",
        )


def of_quotas(
    region: object, project: object, types: object, wanted: Wanted
) -> Iterator[Hindrance]:
    """What is free, of everything that a network takes; what has no quota is not told."""
    there, machines = _processors(types), _machines(wanted)
    if not there.keys() >= {*machines}:
        return  # told already
    needed = {"INSTANCES": len(machines), "IN_USE_ADDRESSES": len(machines), "STATIC_ADDRESSES": 1}
    needed["SSD_TOTAL_GB"] = DISK_GB * len(machines)
    for machine in machines:
        series = machine.partition("-")[0]
        metric = "CPUS" if series in _SHARED else f"{series.upper()}_CPUS"
        needed[metric] = needed.get(metric, 0) + there[machine]
    yield from _short(region, needed, wanted.region, wanted)
    all_over = {"CPUS_ALL_REGIONS": sum(there[machine] for machine in machines), "NETWORKS": 1}
    all_over |= {"FIREWALLS": 3 if wanted.has_control_nodes else 2}
    yield from _short(project, all_over, "all regions", wanted)


def _short(
    answer: object, needed: Mapping[str, int], where: str, wanted: Wanted
) -> Iterator[Hindrance]:
    found = {said(each, "metric"): each for each in rows(row(answer).get("quotas"))}
    for metric in needed.keys() & found.keys():
        quota = found[metric]
        free = int(number(quota, "limit") - number(quota, "usage"))
        if free < needed[metric]:
            yield Hindrance(
                f"quota-{metric.lower().replace('_', '-')}",
                Grade.REFUSED,
                f"The quota {metric} in {where} has {free} free, and {needed[metric]} are needed: "
                "ask for more at https://console.cloud.google.com/iam-admin/quotas?project="
                f"{wanted.project}.",
            )


def _machines(wanted: Wanted) -> list[str]:
    apart = wanted.is_large and wanted.has_control_nodes
    return [wanted.machine, CONTROL] if apart else [wanted.machine]


def _processors(answer: object) -> dict[str, int]:
    return {said(each, "name"): int(number(each, "guestCpus")) for each in rows(answer)}
