# Keys are made here, raised by var.key_generation, and reach only who needs them. They also stand in the state:
# keep it in a bucket that only ops can read (backend.tf.example).
resource "random_password" "keys" {
  for_each = { lottery = 64, ingest = 43 }

  length  = each.value
  special = false
  keepers = { generation = var.key_generation[each.key] }
}

# A node's key is 32 bytes in URL-safe base64 without padding. Its id follows from the public half: the prober derives it.
resource "random_bytes" "controls" {
  for_each = local.controls

  length  = 32
  keepers = { generation = var.key_generation.controls }
}

locals {
  controls     = var.control_nodes ? toset(["good", "bad"]) : toset([])
  control_keys = { for kind, key in random_bytes.controls : kind => "ed25519:${replace(replace(trim(key.base64, "="), "+", "-"), "/", "_")}" }

  # The secret's name, what it holds, and who reads it.
  secrets = merge(
    {
      lottery-key     = random_password.keys["lottery"].result
      ingest-key      = random_password.keys["ingest"].result
      ingest-key-hash = sha256(random_password.keys["ingest"].result)
    },
    { for kind in local.controls : "control-key-${kind}" => local.control_keys[kind] },
  )
  secret_names = setunion(
    ["lottery-key", "ingest-key", "ingest-key-hash"],
    [for kind in local.controls : "control-key-${kind}"],
  )

  # Environment variable of a function => the secret that it is read from.
  secret_env = {
    api       = { INGEST_KEY_HASH = "ingest-key-hash" }
    collector = {}
    payout    = {}
    prober    = merge({ LOTTERY_KEY = "lottery-key" }, { for kind in local.controls : "CONTROL_${upper(kind)}_NODES" => "control-key-${kind}" })
  }
  secret_readers = merge(
    merge([for function, env in local.secret_env : {
      for secret in values(env) : "${function}/${secret}" => { secret = secret, member = google_service_account.functions[function].member }
    }]...),
    { "ingest/ingest-key" = { secret = "ingest-key", member = google_service_account.machines["ingest"].member } },
    { for kind in local.controls : "control/control-key-${kind}" => {
      secret = "control-key-${kind}", member = google_service_account.machines[local.control_machine].member
    } },
  )
}

resource "google_secret_manager_secret" "secrets" {
  for_each = local.secret_names

  secret_id = "${local.name}-${each.key}"
  replication {
    auto {}
  }
  depends_on = [terraform_data.preflight]
}

resource "google_secret_manager_secret_version" "secrets" {
  for_each = local.secret_names

  secret          = google_secret_manager_secret.secrets[each.key].id
  secret_data     = local.secrets[each.key]
  deletion_policy = "DISABLE" # a version that was replaced can be enabled again

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "readers" {
  for_each = local.secret_readers

  secret_id = google_secret_manager_secret.secrets[each.value.secret].id
  role      = "roles/secretmanager.secretAccessor"
  member    = each.value.member
}
