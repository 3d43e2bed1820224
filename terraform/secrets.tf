# Where keys are stored and who reads them. No key stands in a plan or in the state, and no plan asks Google for one.
locals {
  # The secret's name => its generation, which var.key_generation raises.
  secrets = merge(
    { lottery-key = var.key_generation.lottery, ingest-key = var.key_generation.ingest },
    { for kind in local.controls : "control-key-${kind}" => var.key_generation.controls },
  )

  # Environment variable of a function => the secret that it is read from.
  secret_env = {
    api       = { INGEST_KEY = "ingest-key" } # it keeps the hash; two secrets could come to differ
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
  for_each = local.secrets

  secret_id = "${local.name}-${each.key}"
  replication {
    auto {}
  }
  depends_on = [terraform_data.preflight]
}

resource "google_secret_manager_secret_version" "secrets" {
  for_each = local.secrets

  secret                 = google_secret_manager_secret.secrets[each.key].id
  secret_data_wo         = local.keys[each.key]
  secret_data_wo_version = tostring(each.value) # another number is another version
  deletion_policy        = "DISABLE"            # a version that was replaced can be enabled again

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
