# An image that is not given is built by Cloud Build, once for each content of its source: an immutable tag named by the
# source's hash is as good as a digest.
locals {
  registry = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.repositories["images"].repository_id}"

  builds = {
    for name, given in { prober = var.images.prober, node = var.images.node } :
    name => {
      arguments = name == "prober" ? "FUNCTION=prober" : "RELAY_ENGINE=${var.relay_engine}"
      tag       = substr(sha256("${data.archive_file.source[name].output_sha256} ${name == "node" ? var.relay_engine : ""}"), 0, 32)
    } if given == null
  }

  images = merge(
    { for name, given in { prober = var.images.prober, node = var.images.node } : name => given if given != null },
    { for name, build in local.builds : name => "${local.registry}/${name}:${build.tag}" },
  )
}

resource "terraform_data" "images" {
  for_each = local.builds

  triggers_replace = local.images[each.key]

  # gcloud does not wait for a build's own log bucket, and its exit status is the build's.
  provisioner "local-exec" {
    interpreter = ["bash", "-c"]
    command     = "bash \"$SCRIPT\""
    environment = {
      SCRIPT   = "${path.module}/files/build-image.sh"
      PROJECT  = var.project_id
      STAGING  = "gs://${google_storage_bucket.archives.name}/${local.staging}"
      SOURCE   = "gs://${google_storage_bucket.archives.name}/${google_storage_bucket_object.source[each.key].name}"
      IMAGE    = local.images[each.key]
      ARGUMENT = each.value.arguments
      BUILDER  = google_service_account.builder.id
    }
  }

  depends_on = [time_sleep.permissions]
}
