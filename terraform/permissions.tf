# A role that was just granted is not known everywhere at once: it takes a minute or two. A function whose identity may not
# read its secrets yet does not start, and a build that may not read its source yet fails: both wait here.
resource "time_sleep" "permissions" {
  create_duration = "120s"
  triggers = {
    grants = sha256(jsonencode([keys(local.grants), keys(local.secret_readers), keys(local.switchers), keys(local.machines)]))
  }

  depends_on = [
    google_artifact_registry_repository_iam_member.builder,
    google_artifact_registry_repository_iam_member.machines,
    google_project_iam_member.databases,
    google_project_iam_member.logs,
    google_project_iam_member.switches,
    google_secret_manager_secret_iam_member.readers,
    google_storage_bucket_iam_member.builder,
  ]
}
