# The central ingest, and beside it the control nodes: Container-Optimized OS running the node image. Each is a group of one,
# so that a machine that is gone or not well is replaced by itself; the ingest keeps its address.
locals {
  # Google's registries are shown the machine's own identity, and others nothing: it is worth too much to be sent to strangers.
  node_registry = split("/", local.images.node)[0]
  login         = can(regex("(^|[.-])(docker[.]pkg[.]dev|gcr[.]io)$", local.node_registry)) ? "docker-credential-gcr configure-docker --registries=${local.node_registry} && " : ""

  machines = merge(
    { ingest = { type = var.ingest_machine, tags = [local.name], address = google_compute_address.ingest.address } },
    # The good node relays one stream to the prober alone.
    var.control_nodes ? { control = { type = "e2-small", tags = [local.name, "${local.name}-control"], address = null } } : {},
  )

  cloud_init = { for name in keys(local.machines) : name => templatefile("${path.module}/files/${name}.yaml.tftpl", {
    coordinator_url = local.api_url
    engine          = var.relay_engine
    image           = local.images.node
    login           = local.login
    project_id      = var.project_id
    secret_prefix   = local.name
    read_secret     = indent(6, file("${path.module}/files/read-secret.sh"))
    claims          = indent(6, file("${path.module}/files/claims.py"))
    # A new key is read when the machine starts: a change of its version makes a new machine.
    key_versions = join(" ", [for secret, version in google_secret_manager_secret_version.secrets : "${secret}=${version.version}"
    if contains(name == "ingest" ? ["ingest-key"] : ["control-key-good", "control-key-bad"], secret)])
  }) }
}

resource "google_compute_instance_template" "machines" {
  for_each = local.machines

  name_prefix  = "${local.name}-${each.key}-"
  machine_type = each.value.type
  region       = var.region
  tags         = each.value.tags

  disk {
    source_image = "projects/cos-cloud/global/images/family/cos-stable"
    boot         = true
    auto_delete  = true # keys come from Secret Manager; the one that signs marks is made anew
    disk_type    = "pd-balanced"
    disk_size_gb = 20
  }

  network_interface {
    subnetwork = google_compute_subnetwork.machines.id
    access_config {
      nat_ip = each.value.address
    }
  }

  metadata = {
    user-data              = local.cloud_init[each.key]
    google-logging-enabled = "true"
    enable-oslogin         = "TRUE"
    block-project-ssh-keys = "TRUE"
    serial-port-enable     = "FALSE"
    cos-update-strategy    = "update_enabled"
  }

  service_account {
    email  = google_service_account.machines[each.key].email
    scopes = ["cloud-platform"] # what it may do is said by its roles
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  scheduling {
    automatic_restart   = true
    on_host_maintenance = "MIGRATE"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_health_check" "agent" {
  name                = "${local.name}-agent"
  check_interval_sec  = 15
  timeout_sec         = 5
  healthy_threshold   = 1
  unhealthy_threshold = 8 # two minutes: the agent restarts its relay well before

  http_health_check {
    port         = 8080
    request_path = "/healthz"
  }
  depends_on = [terraform_data.preflight]
}

resource "google_compute_instance_group_manager" "machines" {
  for_each = local.machines

  name               = "${local.name}-${each.key}"
  base_instance_name = "${local.name}-${each.key}"
  zone               = "${var.region}-b" # every region has one
  target_size        = 1

  version {
    instance_template = google_compute_instance_template.machines[each.key].self_link_unique
  }

  # One machine has the address, so the old one goes before the new one comes: minutes without the ingest.
  update_policy {
    type                  = "PROACTIVE"
    minimal_action        = "REPLACE"
    replacement_method    = "RECREATE"
    max_surge_fixed       = 0
    max_unavailable_fixed = 1
  }

  # The control nodes are not well when there is no stream, and need no help then.
  dynamic "auto_healing_policies" {
    for_each = each.key == "ingest" ? [1] : []
    content {
      health_check      = google_compute_health_check.agent.id
      initial_delay_sec = 300
    }
  }

  depends_on = [google_cloudfunctions2_function.functions, terraform_data.images, time_sleep.permissions]
}
