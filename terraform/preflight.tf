# Google is asked whether it would refuse what follows. Everything but the APIs waits for that, so a refusal leaves nothing
# behind that costs or is named (docs/adr/0089). A program asks and not a data source: a plan needs no credentials.
resource "terraform_data" "preflight" {
  count = var.preflight ? 1 : 0

  # Another place or another machine is another question. An apply that changes neither asks nothing.
  triggers_replace = local.asked

  provisioner "local-exec" {
    interpreter = ["bash", "-c"]
    command     = "bash \"$SCRIPT\""
    environment = merge(local.asked, { SCRIPT = "${path.module}/files/preflight.sh" })
  }

  depends_on = [time_sleep.apis] # an API that is off answers nothing
}

locals {
  asked = {
    PROJECT            = var.project_id
    REGION             = var.region
    FIRESTORE_LOCATION = coalesce(var.firestore_location, var.region)
    SCHEDULER_REGION   = local.scheduler_region
    SIZE               = var.size
    MACHINE            = local.ingest_machine
    CONTROL_NODES      = tostring(var.control_nodes)
    CURRENCY           = try(coalesce(var.budget.currency), "") # empty: the account's own is taken
  }
}
