"""What Terraform's account must be allowed, by the type of what it makes.

One or two of each type stand for it: whoever may create, may read and delete by the same role. A
test holds the types to terraform/.
"""

from collections.abc import Iterator

from tools.preflight.hindrances import Grade, Hindrance
from tools.preflight.shapes import strings

NEEDED: dict[str, tuple[str, ...]] = {
    "google_artifact_registry_repository": ("artifactregistry.repositories.create",),
    "google_artifact_registry_repository_iam_member": (
        "artifactregistry.repositories.setIamPolicy",
    ),
    "google_billing_budget": (),  # of the billing account, not of the project
    "google_cloud_run_v2_service": ("run.services.create", "iam.serviceAccounts.actAs"),
    "google_cloud_run_v2_service_iam_member": ("run.services.setIamPolicy",),
    "google_cloud_scheduler_job": ("cloudscheduler.jobs.create",),
    "google_compute_address": ("compute.addresses.create",),
    "google_compute_firewall": ("compute.firewalls.create",),
    "google_compute_health_check": ("compute.healthChecks.create",),
    "google_compute_instance_group_manager": ("compute.instanceGroupManagers.create",),
    "google_compute_instance_template": ("compute.instanceTemplates.create",),
    "google_compute_network": ("compute.networks.create",),
    "google_compute_subnetwork": ("compute.subnetworks.create",),
    "google_firestore_backup_schedule": ("datastore.backupSchedules.create",),
    "google_firestore_database": ("datastore.databases.create",),
    "google_firestore_field": ("datastore.indexes.update",),
    "google_logging_metric": ("logging.logMetrics.create",),
    "google_monitoring_alert_policy": ("monitoring.alertPolicies.create",),
    "google_monitoring_dashboard": ("monitoring.dashboards.create",),
    "google_monitoring_notification_channel": ("monitoring.notificationChannels.create",),
    "google_monitoring_uptime_check_config": ("monitoring.uptimeCheckConfigs.create",),
    "google_project_iam_custom_role": ("iam.roles.create",),
    "google_project_iam_member": ("resourcemanager.projects.setIamPolicy",),
    "google_project_service": ("serviceusage.services.enable",),
    "google_secret_manager_secret": ("secretmanager.secrets.create",),
    "google_secret_manager_secret_iam_member": ("secretmanager.secrets.setIamPolicy",),
    "google_secret_manager_secret_version": ("secretmanager.versions.add",),
    "google_service_account": ("iam.serviceAccounts.create",),
    "google_storage_bucket": ("storage.buckets.create",),
    "google_storage_bucket_iam_member": ("storage.buckets.setIamPolicy",),
    "google_storage_bucket_object": ("storage.objects.create",),
    # It has images built, and asks for their digests.
    "terraform_data": ("cloudbuild.builds.create", "artifactregistry.dockerimages.list"),
}
SHOWN_MAX = 3
"""How many are named: by these it shows which role is missing."""


def hindrances(granted: object, project: str) -> Iterator[Hindrance]:
    """What the API's answer leaves out of all that was asked about."""
    missing = sorted(set().union(*NEEDED.values()) - set(strings(granted, "permissions")))
    if missing:
        more = len(missing) - SHOWN_MAX
        shown = ", ".join(missing[:SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
        yield Hindrance(
            "permission-missing",
            Grade.REFUSED,
            f"Terraform's account lacks {shown}: have an owner of {project} give it the role "
            f"Owner, by `gcloud projects add-iam-policy-binding {project} "
            "--member=user:ADDRESS --role=roles/owner`.",
        )
