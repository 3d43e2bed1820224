output "api_url" {
  description = "The api, and at its root the dashboard."
  value       = local.api_url
}

output "ingest_url" {
  description = "Where publishers send to and nodes pull from, without the stream's name."
  value       = local.ingest_url
}

output "sponsor_line" {
  description = "What a sponsor pastes to register a stream; the key is theirs, from ops."
  value       = "curl -X POST ${local.api_url}/streams -H \"Authorization: Bearer $SPONSOR_KEY\" -H 'Content-Type: application/json' -d '{\"name\": \"Main stage\", \"token_balance\": \"1000\", \"reward_per_node_hour\": \"1.5\"}'"
}

output "operator_line" {
  description = "What an operator pastes to run a node, with the image that they have made (docs/operator.md), or the one that `images` names. What Cloud Build makes is for this project alone."
  value       = "docker run -d --restart unless-stopped -p 1935:1935 -p 8080:8080 -v restream:/data -e COORDINATOR_URL=${local.api_url} -e STREAM_ID=auto ${coalesce(var.images.node, "restream-node")}"
}

output "ops_line" {
  description = "What ops paste to give a sponsor a key (put their name in)."
  value       = "make sponsor NAME=city-radio PROJECT=${var.project_id}${var.money_database == "money" ? "" : " DATABASE=${var.money_database}"}"
}
