# Two repositories: our images are never overwritten, while Cloud Functions moves tags of its own.
resource "google_artifact_registry_repository" "repositories" {
  for_each = {
    images    = "Images of the prober and of the node, tagged by the hash of their source"
    functions = "What Cloud Build makes of the functions' archives"
  }

  location      = var.region
  repository_id = "${local.name}-${each.key}"
  description   = each.value
  format        = "DOCKER"

  docker_config {
    immutable_tags = each.key == "images"
  }
  cleanup_policies {
    id     = "keep-the-last"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "drop-the-old"
    action = "DELETE"
    condition {
      older_than = "7776000s" # 90 days
    }
  }
  depends_on = [terraform_data.preflight]
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  for_each = google_artifact_registry_repository.repositories

  location   = each.value.location
  repository = each.value.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}

resource "google_artifact_registry_repository_iam_member" "machines" {
  for_each = google_service_account.machines

  location   = google_artifact_registry_repository.repositories["images"].location
  repository = google_artifact_registry_repository.repositories["images"].name
  role       = "roles/artifactregistry.reader"
  member     = each.value.member
}
