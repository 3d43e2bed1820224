# An image that is not given is built by Cloud Build, once for each content of its source: its tag is the source's hash, and the
# registry is asked first. A tag can be moved, and the same source can give other bytes on another day, since base images and
# packages of the system go on. So what runs is named by the digest that the registry tells: the image exists, or nothing starts.
locals {
  registry = "${var.region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.images.repository_id}"

  # What build-image.sh is told beyond the image's part.
  build_options = { for name in keys(local.image_files) : name => name == "node" ? "--build-arg RELAY_ENGINE=${var.relay_engine}" : "" }
  builds = {
    for name, files in local.image_files :
    name => "${name}:${substr(sha256(jsonencode([local.build_options[name], { for file in files : file => filesha256("${local.root}/${file}") }])), 0, 32)}"
    if var.images[name] == null
  }
  images = { for name, given in var.images : name => given != null ? given : data.google_artifact_registry_docker_image.built[name].self_link }
}

resource "terraform_data" "images" {
  for_each = local.builds

  triggers_replace = [local.registry, each.value]
  # Not known before it is built: so the registry is asked for the digest afterwards, and only of this image.
  input = each.value

  # gcloud does not wait for a build's own log bucket, and its exit status is the build's.
  provisioner "local-exec" {
    interpreter = ["bash", "-c"]
    command     = "bash \"$SCRIPT\""
    environment = {
      SCRIPT  = "${path.module}/files/submit-build.sh"
      PROJECT = var.project_id
      STAGING = "gs://${google_storage_bucket.archives.name}/${local.staging}"
      SOURCE  = "gs://${google_storage_bucket.archives.name}/${google_storage_bucket_object.source[0].name}"
      PART    = each.key
      IMAGE   = "${local.registry}/${each.value}"
      OPTIONS = local.build_options[each.key]
      BUILDER = google_service_account.builder.id
    }
  }

  depends_on = [time_sleep.permissions]
}

data "google_artifact_registry_docker_image" "built" {
  for_each = local.builds

  location      = google_artifact_registry_repository.images.location
  repository_id = google_artifact_registry_repository.images.repository_id
  image_name    = terraform_data.images[each.key].output
}
