"""What images are built from: an archive with all that they are made of, and nothing else."""

import hashlib
import json
import re
from collections.abc import Iterator

import pytest

from tests.terraform.plans import EVERYTHING, ROOT, applied, data, planned, resources

FUNCTIONS = ("api", "collector", "payout", "prober")
LEFT_OUT = ("requirements.in", ".pyc")


def _packages(*folders: str) -> Iterator[str]:
    """Every file below them that a Dockerfile copies; a new kind of file is among them."""
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and not path.name.endswith(LEFT_OUT):
                yield str(path.relative_to(ROOT))


def _made_of(image: str) -> set[str]:
    """The files that decide what an image is."""
    if image == "node":
        own = [*_packages("node_image/agent"), "node_image/requirements.txt"]
        return {*own, *_packages("rtmp"), "build-image.sh", "node_image/Dockerfile"}
    own = [*_packages("functions/coordinator", f"functions/{image}", "rtmp")]
    return {*own, "build-image.sh", "functions/Dockerfile"}


def _files() -> dict[str, str]:
    """What is in the archive: text by path."""
    (archive,) = data(planned(), "archive_file")
    return {one["filename"]: one["content"] or "" for one in archive.values["source"]}


def test_the_archive_holds_what_images_are_made_of_and_nothing_else() -> None:
    """An allow-list that lacks nothing: no cache, no test, no key; as it is in the repository."""
    files = _files()
    assert files.keys() == {"pyproject.toml"}.union(*map(_made_of, (*FUNCTIONS, "node")))
    assert all(text == (ROOT / path).read_text() for path, text in files.items())


@pytest.mark.parametrize("image", [*FUNCTIONS, "node"])
def test_an_image_is_tagged_by_what_it_is_made_of_alone(image: str) -> None:
    """So a change of one function builds that one anew, and nothing is built twice."""
    option = "--build-arg RELAY_ENGINE=restream" if image == "node" else ""
    hashes = {
        path: hashlib.sha256((ROOT / path).read_bytes()).hexdigest() for path in _made_of(image)
    }
    decides = json.dumps([option, hashes], sort_keys=True, separators=(",", ":"))
    tag = hashlib.sha256(decides.encode()).hexdigest()[:32]
    built = {
        one.key: one.values["input"]
        for one in resources(planned(), "terraform_data")
        if ".images" in one.address
    }
    assert built.keys() == {*FUNCTIONS, "node"}
    assert built[image] == f"{image}:{tag}"


def test_nothing_is_uploaded_where_nothing_is_built() -> None:
    """All images are given then."""
    (archive,) = resources(planned(), "google_storage_bucket_object")
    assert archive.values["bucket"] == "my-network-4711-restream-archives"
    assert resources(planned(EVERYTHING), "google_storage_bucket_object") == []


def test_what_was_built_from_goes() -> None:
    """Archives that were replaced, and gcloud's copies of them; names are hashes, so a rule that
    counts versions of one name would never delete."""
    (bucket,) = resources(planned(), "google_storage_bucket")
    conditions = [rule["condition"][0] for rule in bucket.values["lifecycle_rule"]]
    assert {rule["action"][0]["type"] for rule in bucket.values["lifecycle_rule"]} == {"Delete"}
    replaced, copied = sorted(conditions, key=lambda one: one["age"] or 0)
    assert replaced["days_since_noncurrent_time"] == 7
    assert not replaced["num_newer_versions"]
    assert (copied["age"], copied["matches_prefix"]) == (7, ["staging/"])


def test_old_images_can_be_deleted_and_are() -> None:
    """An image under a tag that cannot be moved could not be deleted; the last ten of each stay."""
    (registry,) = resources(planned(), "google_artifact_registry_repository")
    assert not any(one["immutable_tags"] for one in registry.values["docker_config"])
    assert registry.values["cleanup_policy_dry_run"] is False
    policies = {one["action"]: one for one in registry.values["cleanup_policies"]}
    assert policies["KEEP"]["most_recent_versions"][0]["keep_count"] == 10
    (condition,) = policies["DELETE"]["condition"]
    assert (condition["tag_state"], condition["older_than"]) == ("ANY", "7776000s")


def test_what_runs_is_named_by_the_digest_that_the_registry_tells() -> None:
    """Of the image that was built, and not by its tag; or as it was given."""
    outcome = applied()
    told = {
        one.key: one.values for one in resources(outcome, "google_artifact_registry_docker_image")
    }
    built = {
        one.key: one.values["output"]
        for one in resources(outcome, "terraform_data")
        if ".images" in one.address
    }
    assert {name: one["image_name"] for name, one in told.items()} == built
    for service in resources(outcome, "google_cloud_run_v2_service"):
        image = service.values["template"][0]["containers"][0]["image"]
        assert image == told[service.key]["self_link"]
    for service in resources(applied(EVERYTHING), "google_cloud_run_v2_service"):
        image = service.values["template"][0]["containers"][0]["image"]
        assert image == EVERYTHING["images"][service.key.partition("-")[0]]
    assert applied(EVERYTHING).builds == ""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_lock_agrees_with_the_repositorys_own(name: str) -> None:
    """The same versions and hashes that everything else is tested with, and no addresses."""
    lock = (ROOT / "functions" / name / "requirements.txt").read_text()
    assert _pins(lock)
    assert _pins(lock) <= _pins((ROOT / "requirements.txt").read_text())
    assert "--hash=sha256:" in lock
    assert not re.search(r"https?://|file://|--index-url|--find-links|--trusted-host", lock)


def _pins(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+==[^ ;]+)", lock, re.MULTILINE))
