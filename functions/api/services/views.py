"""From the rules' types to what goes over the wire."""

from api.services.snapshots import Snapshot
from api.wire.common import timestamp
from api.wire.nodes import NodeOut
from api.wire.statements import CarriedOut, RowOut, StatementOut, UnpaidOut, VoidedOut
from api.wire.streams import MediaOut, StreamOut
from coordinator.ledger.rows import Row
from coordinator.ledger.statements import Statement
from coordinator.money import format_tokens
from coordinator.projections.network_view import NodeView
from coordinator.projections.past_shares import percent
from coordinator.published_media import PublishedMedia, codec_name, warnings_about
from coordinator.streams import Stream


def stream_out(stream: Stream, snapshot: Snapshot, *, ingest_url: str, base_url: str) -> StreamOut:
    """A stream as anyone may see it."""
    balance = snapshot.balances.get(stream.stream_id)
    left = balance.balance_micros if balance else 0
    unverified_s = snapshot.unverified_since(stream)
    return StreamOut(
        stream_id=stream.stream_id,
        name=stream.name,
        status=snapshot.status_of(stream, snapshot.read_s),
        ingest_url=f"{ingest_url}/{stream.stream_id}",
        ingest_public_key=stream.ingest_public_key,
        play_url=f"{base_url}/streams/{stream.stream_id}/playlist.m3u",
        reward_per_node_hour=format_tokens(stream.reward_micros_per_hour),
        max_paid_nodes=stream.max_paid_nodes,
        balance=format_tokens(left),
        deposited=format_tokens(balance.deposited_micros if balance else 0),
        created_at=timestamp(stream.created_s),
        ends_at=timestamp(stream.ends_s) if stream.ends_s is not None else None,
        nodes_verified=len(snapshot.network.verified(stream.stream_id)),
        media=media_out(stream.media),
        unverified_since=None if unverified_s is None else timestamp(unverified_s),
    )


def media_out(media: PublishedMedia) -> MediaOut | None:
    """What was published last, with the warnings about it; None where nothing was."""
    if media.since_s is None:
        return None
    return MediaOut(
        video=codec_name(media.video),
        audio=codec_name(media.audio),
        key_interval_ms=media.key_interval_ms,
        since=timestamp(media.since_s),
        warnings=warnings_about(media),
    )


def node_out(node: NodeView) -> NodeOut:
    """A node as anyone may see it."""
    poll, trust, account = node.poll, node.trust, node.account
    return NodeOut(
        node_id=node.node_id,
        stream_id=node.slot.stream_id,
        status=node.status,
        reason=node.reason.value,
        says=node.says,
        fix=node.fix,
        stats_url=node.slot.stats_url,
        rtmp_url=node.rtmp_url,
        viewers=poll.viewers if poll else 0,
        minutes_up=node.minutes_up,
        minutes_due=node.minutes_due,
        uptime=_percent(node.uptime),
        uptime_day=_percent(node.uptimes.day),
        uptime_month=_percent(node.uptimes.month),
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


def _percent(share: float | None) -> str | None:
    return None if share is None else percent(share)


def statement_out(statement: Statement) -> StatementOut:
    """A settled epoch, every minute accounted for: `verify` reads it back without loss."""
    terms = statement.terms
    return StatementOut(
        stream_id=statement.stream_id,
        epoch=statement.epoch,
        starts_at=timestamp(statement.starts_s),
        ends_at=timestamp(statement.ends_s),
        minute_seconds=terms.minute_seconds,
        reward_per_node_hour=format_tokens(terms.rate_micros_per_hour),
        max_paid_nodes=terms.max_paid_nodes,
        holding_epochs=terms.holding_epochs,
        network_percent=terms.network_percent,
        network_nodes_free=terms.network_nodes_free,
        unknown_minutes_max=terms.unknown_minutes_max,
        rows=[row_out(row) for row in statement.rows],
        paid=format_tokens(statement.paid_micros),
        forfeited=format_tokens(statement.forfeited_micros),
        refunded=format_tokens(statement.refunded_micros),
        balance_before=format_tokens(statement.balance_before_micros),
        balance_after=format_tokens(statement.balance_after_micros),
        closes=statement.closes,
        check_seconds=statement.check_seconds,
        evidence_until_s=statement.evidence_until_s,
        roster_ids=list(statement.roster_ids),
    )


def row_out(row: Row) -> RowOut:
    """One node in a statement, with a sentence for every minute that was not paid."""
    return RowOut(
        node_id=row.node_id,
        minutes_due=row.minutes_due,
        minutes_up=row.minutes_up,
        minutes_idle=row.minutes_idle,
        minutes_unknown=row.minutes_unknown,
        minutes_waiting_before=row.minutes_waiting_before,
        minutes_paid=row.minutes_paid,
        unpaid=[
            UnpaidOut(reason=why.value, minutes=minutes, says=why.says)
            for why, minutes in row.unpaid
        ],
        minutes_unproven=row.minutes_unproven,
        minutes_voided=row.minutes_voided,
        minutes_beyond=row.minutes_beyond,
        minutes_waiting=row.minutes_waiting,
        earned=format_tokens(row.earned_micros),
        short=format_tokens(row.short_micros),
        forfeited=format_tokens(row.forfeited_micros),
        reason=row.reason.value,
        says=row.reason.says,
        voided_by=[
            VoidedOut(
                draw=voided.draw,
                due_s=voided.due_s,
                due_at=timestamp(voided.due_s),
                minutes=voided.minutes,
                reason=voided.reason.value,
            )
            for voided in row.voided_by
        ],
        carried=CarriedOut.model_validate(row.carried),
        paid_bits=f"{row.paid_bits:x}",
        forfeited_from_s=row.forfeited_from_s,
        minutes_forfeited=row.minutes_forfeited,
        minutes_held_back=row.minutes_held_back,
    )
