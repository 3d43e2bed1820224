# Keys are made here, and stand nowhere else: uuid() is unknown in a plan and anew in each apply, and only a write-only argument
# takes it (secrets.tf), which Terraform leaves out of plans and states. Its 128 bits come from the system's own random numbers.
locals {
  controls = var.control_nodes ? toset(["good", "bad"]) : toset([])

  # By the secret that holds it. A node's key is 32 bytes in URL-safe base64 without padding.
  keys = merge(
    { for secret in ["lottery-key", "ingest-key"] : secret => sha256("${uuid()}${uuid()}") },
    { for kind in local.controls : "control-key-${kind}" => join("", [
      "ed25519:", replace(replace(trimsuffix(base64sha256("${uuid()}${uuid()}"), "="), "+", "-"), "/", "_"),
    ]) },
  )
}
