# The central ingest, and the control nodes: beside it in a small network, on a machine of their own in a large one
# (docs/adr/0093). Container-Optimized OS runs the node image. Each machine is a group of one, so that one that is gone or not
# well is replaced by itself; the ingest keeps its address.
locals {
  # Google's registries are shown the machine's own identity, and others nothing: it is worth too much to be sent to strangers.
  node_registry = split("/", coalesce(var.images.node, local.registry))[0]
  login         = can(regex("(^|[.-])(docker[.]pkg[.]dev|gcr[.]io)$", local.node_registry)) ? "docker-credential-gcr configure-docker --registries=${local.node_registry} && " : ""

  # What each type sends, in Mbit/s: four fifths of what Google lets it, and 7,000 to the internet, whatever the type. A small
  # network's is bounded by its GiB of memory and its quarter of a processor. `make cost` reads the same file.
  ingest_machines = jsondecode(file("${path.module}/ingest_machines.json"))[var.size]
  expected_mbits  = var.expected.nodes * var.expected.mbits
  least_machine   = try([for each in local.ingest_machines : each.type if local.expected_mbits <= each.mbits][0], null)
  ingest_machine  = coalesce(var.ingest_machine, local.least_machine)

  prober_cpus     = coalesce(var.prober_cpus, var.size == "small" ? 1 : 2)
  control_machine = var.size == "small" ? "ingest" : "control"
  apart           = var.control_nodes && var.size == "large"
  machines = merge(
    { ingest = { type = local.ingest_machine, address = google_compute_address.ingest.address, runs_ingest = true, runs_controls = var.control_nodes && !local.apart } },
    # The good node relays one stream to the prober alone.
    local.apart ? { control = { type = "e2-small", address = null, runs_ingest = false, runs_controls = true } } : {},
  )

  # Which keys a machine reads, and which ports are let in.
  machine_keys  = { for name, each in local.machines : name => concat(each.runs_ingest ? ["ingest-key"] : [], each.runs_controls ? ["control-key-good", "control-key-bad"] : []) }
  machine_ports = { for name, each in local.machines : name => concat(each.runs_ingest ? ["1935", "8080"] : [], each.runs_controls ? local.control_ports : []) }
  control_ports = ["1936", "8081", "8082"]

  cloud_init = { for name, each in local.machines : name => templatefile("${path.module}/files/machine.yaml.tftpl", {
    runs_ingest     = each.runs_ingest
    runs_controls   = each.runs_controls
    ports           = local.machine_ports[name]
    ingest_address  = google_compute_address.ingest.address
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
    if contains(local.machine_keys[name], secret)])
  }) }
}

resource "google_compute_instance_template" "machines" {
  for_each = local.machines

  name_prefix  = "${local.name}-${each.key}-"
  machine_type = each.value.type
  region       = var.region
  tags         = concat([local.name], each.value.runs_controls ? ["${local.name}-control"] : [])

  disk {
    source_image = "projects/cos-cloud/global/images/family/cos-stable"
    boot         = true
    auto_delete  = true # keys come from Secret Manager; the one that signs marks is made anew
    disk_type    = "pd-balanced"
    # The least that the system takes; the node's image has 130 MB.
    disk_size_gb = 10
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

  depends_on = [google_cloud_run_v2_service.functions, time_sleep.permissions]
}
