"""From the rules' types to what goes over the wire."""

from api.snapshots import Snapshot
from api.wire import NodeOut, RowOut, StatementOut, StreamOut, timestamp
from coordinator.money import format_tokens
from coordinator.network import NodeView
from coordinator.statements import Statement
from coordinator.streams import Stream, status_of


def stream_out(stream: Stream, snapshot: Snapshot, *, ingest_url: str, base_url: str) -> StreamOut:
    """A stream as anyone may see it."""
    balance = snapshot.balances.get(stream.stream_id)
    left = balance.balance_micros if balance else 0
    return StreamOut(
        stream_id=stream.stream_id,
        name=stream.name,
        status=status_of(stream, left, snapshot.read_s),
        ingest_url=f"{ingest_url}/{stream.stream_id}",
        play_url=f"{base_url}/streams/{stream.stream_id}/playlist.m3u",
        reward_per_node_hour=format_tokens(stream.reward_micros_per_hour),
        max_paid_nodes=stream.max_paid_nodes,
        balance=format_tokens(left),
        deposited=format_tokens(balance.deposited_micros if balance else 0),
        created_at=timestamp(stream.created_s),
        ends_at=timestamp(stream.ends_s) if stream.ends_s is not None else None,
        nodes_verified=len(snapshot.network.verified(stream.stream_id)),
    )


def node_out(node: NodeView) -> NodeOut:
    """A node as anyone may see it."""
    poll, trust, account = node.poll, node.trust, node.account
    return NodeOut(
        node_id=node.node_id,
        stream_id=node.slot.stream_id,
        status=node.status,
        reason=node.reason.value,
        says=node.reason.says,
        fix=node.reason.fix,
        stats_url=node.slot.stats_url,
        rtmp_url=node.rtmp_url,
        viewers=poll.viewers if poll else 0,
        minutes_up=poll.minutes_up if poll else 0,
        minutes_due=poll.minutes_due if poll else 0,
        checks_passed=trust.passed,
        checks_failed=trust.failed,
        checks_degraded=trust.degraded,
        checks_unknown=trust.unknown,
        last_check_at=timestamp(trust.last_check_s) if trust.last_check_s is not None else None,
        last_check_reason=trust.last_reason,
        pending=format_tokens(account.pending_micros),
        available=format_tokens(account.available_micros),
        earned=format_tokens(account.earned_micros),
    )


def statement_out(statement: Statement) -> StatementOut:
    """A settled epoch, every minute accounted for."""
    return StatementOut(
        stream_id=statement.stream_id,
        epoch=statement.epoch,
        starts_at=timestamp(statement.starts_s),
        ends_at=timestamp(statement.ends_s),
        minute_seconds=statement.terms.minute_seconds,
        reward_per_node_hour=format_tokens(statement.terms.rate_micros_per_hour),
        rows=[
            RowOut(
                node_id=row.node_id,
                minutes_due=row.minutes_due,
                minutes_up=row.minutes_up,
                minutes_unknown=row.minutes_unknown,
                minutes_waiting_before=row.minutes_waiting_before,
                minutes_paid=row.minutes_paid,
                minutes_unproven=row.minutes_unproven,
                minutes_voided=row.minutes_voided,
                minutes_beyond=row.minutes_beyond,
                minutes_waiting=row.minutes_waiting,
                earned=format_tokens(row.earned_micros),
                short=format_tokens(row.short_micros),
                reason=row.reason.value,
                says=row.reason.says,
                voided_by=[timestamp(at_s) for at_s in row.voided_by_s],
            )
            for row in statement.rows
        ],
        paid=format_tokens(statement.paid_micros),
        balance_before=format_tokens(statement.balance_before_micros),
        balance_after=format_tokens(statement.balance_after_micros),
    )
