"""Every reason the network gives for what it says or does not pay, in one table.

API, dashboard, node agent and docs all show these sentences: a code without a row here cannot
be written, and a row that no code uses fails a test. `{…}` is filled in by `Reason.says`.
One module, however long: a table is read in one place.
"""

from enum import StrEnum


class Reason(StrEnum):
    """A public code. Codes that start with `unknown:` are our own fault and cost nobody."""

    says: str
    fix: str

    def __new__(cls, code: str, says: str = "", fix: str = "") -> "Reason":
        member = str.__new__(cls, code)
        member._value_ = code
        member.says = says
        member.fix = fix
        return member

    @property
    def is_ours(self) -> bool:
        """True for faults of the coordinator or the ingest, which nobody is charged for."""
        return self._value_.startswith("unknown:")

    # -- a node's health, told by sweeps of its /stats.json ---------------------------------
    OK = "ok", "Everything is as it should be."
    NOT_YET_SWEPT = (
        "not_yet_swept",
        "The node has announced itself and has not been polled yet.",
        "Wait for the next sweep; it comes within two sweep intervals.",
    )
    ROSTER_FULL = (
        "roster_full",
        "The roster is full: as many nodes are polled as there is room for.",
        "Leave the node running: it comes in by itself when there is room. Whoever runs the "
        "coordinator makes room with more SHARDS.",
    )
    NETWORK_FULL = (
        "network_full",
        "Your network (IPv4 /24, IPv6 /48) has as many polled nodes as one may have.",
        "Leave the node running: it comes in by itself when one of them leaves. Or run it in "
        "another network.",
    )
    KEY_ELSEWHERE = (
        "key_elsewhere",
        "Another machine runs with this node's key and is polled: this one is not heard.",
        "Give each machine a DATA_DIR of its own. If the other was stopped just now, wait: this "
        "one takes its place when a sweep has missed it.",
    )
    STREAM_IDLE = "stream_idle", "The relay is fine, but nobody is publishing the stream now."
    URL_INVALID = (
        "url_invalid",
        "The stats URL is not a plain http://host:port/path.",
        "Write it like http://relay.example.org:8080/stats.json: no user name, no fragment.",
    )
    NAME_UNRESOLVED = (
        "name_unresolved",
        "The host name of the stats address does not resolve.",
        "Correct the host name, or leave it out: the address you call from is then used.",
    )
    ADDRESS_BLOCKED = (
        "address_blocked",
        "The address is private, local or reserved, so it cannot be reached from outside.",
        "Announce a public address, or leave the host out: the one you call from is then used.",
    )
    PORT_BLOCKED = (
        "port_blocked",
        "The port belongs to another kind of service (mail, databases and the like).",
        "Serve /stats.json on another port, for example 8080.",
    )
    CONNECT_FAILED = (
        "connect_failed",
        "Nothing accepts connections on the stats port.",
        "Forward the stats port to the node and allow it in the firewall.",
    )
    STATS_TIMEOUT = (
        "stats_timeout",
        "The stats server did not answer in full in time.",
        "Check the node's load and its connection.",
    )
    STATS_BAD_HTTP = (
        "stats_bad_http",
        "The stats port did not answer a plain GET with 200 and an unencoded body.",
        "Point stats_url at the agent's own /stats.json, without a proxy that redirects.",
    )
    STATS_TOO_LARGE = (
        "stats_too_large",
        "The answer of the stats server is larger than allowed.",
        "Point stats_url at the agent's own /stats.json.",
    )
    STATS_INVALID = (
        "stats_invalid",
        "The stats are not in a form the coordinator understands.",
        "Use the node image, or rtmp_relay's own stats.json.",
    )
    WRONG_NODE = (
        "wrong_node",
        "Another node answers at this address.",
        "Announce your own address and forward the port to this node.",
    )
    TARGET_CROWDED = (
        "target_crowded",
        "Several nodes name this address, and do not answer there as themselves: no more are asked "
        "in one sweep.",
        "Leave PUBLIC_STATS_URL out if this is the address that you call from. Else find out who "
        "names it, or announce another one.",
    )
    WRONG_STREAM = (
        "wrong_stream",
        "The node relays another stream than it announced.",
        "Restart the node with the STREAM_ID it is meant to relay.",
    )
    RELAY_DOWN = (
        "relay_down",
        "The agent answers, but its relay is not running.",
        "Look at the node's log; the agent restarts the relay by itself.",
    )
    RELAY_OVERRUN = (
        "relay_overrun",
        "The node itself found that its RTMP port takes no more viewers.",
        "Limit how many connections one address may hold; it counts again when viewers get in.",
    )
    UPSTREAM_DOWN = (
        "upstream_down",
        "The relay runs, but gets no stream from the ingest although it is live.",
        "Check that the node can reach the ingest's RTMP port.",
    )
    STALLED = (
        "stalled",
        "The relay's counters, or the packets it serves, stand still although the stream is live.",
        "Restart the node; check that the ingest can be reached.",
    )
    OFFLINE = (
        "offline",
        "No heartbeat, or no answer to polls that could be used, any more.",
        "Start the node again; it joins by itself.",
    )
    LEFT = "left", "The operator stopped the node."
    # -- a check's outcome: a real RTMP connection, compared with the ingest ------------------
    PASSED = "passed", "The node served the live packets of the ingest."
    DEGRADED = (
        "degraded",
        "The first connection failed and an immediate second one passed.",
        "Pay waits for the next clean pass; viewers may have felt it. Check the upload bandwidth.",
    )
    CUT = (
        "cut",
        "A connection of two minutes began, and broke off or fell short; the next one passed.",
        "See what ends your viewers' connections. Pay of five hours is void, or of one beside a "
        "neighbour; it begins again with the next clean pass.",
    )
    UNREACHABLE = (
        "unreachable",
        "Nothing accepts RTMP connections on the announced port.",
        "Forward the RTMP port to the node and allow it in the firewall.",
    )
    NO_STREAM = (
        "no_stream",
        "The RTMP port answers, but serves no picture or sound under the stream's name.",
        "Check that the relay pulls the stream; restart the node.",
    )
    TOO_SLOW = (
        "too_slow",
        "The node delivers less than the stream's own bit rate.",
        "Check the upload bandwidth: it must carry the stream once per viewer and a check.",
    )
    LAGGING = (
        "lagging",
        "The node serves the stream, but later than allowed.",
        "Check the connection to the ingest, and that nothing buffers in between.",
    )
    WRONG_CONTENT = (
        "wrong_content",
        "The node serves packets that the ingest does not serve.",
        "Relay the stream unchanged: no other content, no transcoding.",
    )
    REPLAYED = (
        "replayed",
        "The node serves packets that the ingest served before: a recording, not the live stream.",
        "Relay the live stream.",
    )
    WRONG_HEADER = (
        "wrong_header",
        "The node leaves out or changes what a decoder needs first, so nobody can play it.",
        "Relay the codec headers of the stream unchanged to everybody who comes.",
    )
    ALTERED = (
        "altered",
        "Some packets of the node are not the ingest's, or belong to a track that it lacks.",
        "Relay the stream unchanged: no packet and no track added.",
    )
    FALLING_BEHIND = (
        "falling_behind",
        "The delay grew until the end of the check: the line carries less than the stream.",
        "Check the upload bandwidth: viewers fall behind, and then lose pictures.",
    )
    TIMESTAMPS = (
        "timestamps",
        "The packets are the ingest's, but their timestamps do not fit each other.",
        "Relay timestamps unchanged, or with one offset for all tracks.",
    )
    UNMARKED = (
        "unmarked",
        "The stream stands still without a sound, and the ingest's marks are left out: nothing "
        "proves that it is live.",
        "Relay script data too; the engine restream does.",
    )
    UNPLAYABLE = (
        "unplayable",
        "The packets are the ingest's, but what stands around them is not: no player shows them.",
        "Relay the stream's messages unchanged, codec headers included.",
    )
    # -- our own fault: recorded, shown, and never an operator's loss -------------------------
    UNKNOWN_INGEST_DOWN = "unknown:ingest_down", "The ingest itself could not be read."
    UNKNOWN_REFERENCE = (
        "unknown:reference",
        "The reference from the ingest was too short or had a gap, so nothing could be compared.",
    )
    UNKNOWN_CAPACITY = "unknown:capacity", "The prober had no capacity left at the drawn second."
    UNKNOWN_BUSY = (
        "unknown:busy",
        "The prober's own machine was too busy to judge by time what it received, or did not.",
    )
    UNKNOWN_CONTROL = (
        "unknown:control",
        "What is known to be good, a node or the ingest, did not pass at the same time, so the "
        "prober itself is in doubt.",
    )
    UNKNOWN_NOT_RUN = "unknown:not_run", "The prober did not run at the drawn second."
    UNKNOWN_LATE = (
        "unknown:late",
        "The prober was too late: for the drawn second, or for the statement of its epoch.",
    )
    UNKNOWN_ADDRESS = (
        "unknown:address",
        "The node's host name led to an address where its own stats did not answer just then.",
    )
    UNKNOWN_RESOLVER = (
        "unknown:resolver",
        "The node's host name did not resolve, and names that always do did not either.",
    )
    UNKNOWN_UNMEASURED = (
        "unknown:unmeasured",
        "We failed to measure these minutes, and the minute before them was not up either.",
    )
    UNKNOWN_READERS = (
        "unknown:readers",
        "Our two readers said different things of the same bytes, or could not read the ingest "
        "itself.",
    )
    UNKNOWN_INTERNAL = "unknown:internal", "An error of the coordinator's own."
    UNKNOWN_ALONE = (
        "unknown:alone",
        "We failed to measure these minutes of this node while we measured others; a passed check "
        "pays for only a few such minutes.",
    )
    # -- trust, told by a sequence of checks ---------------------------------------------------
    UNPROVEN = (
        "unproven",
        "No check has passed yet; pay starts with the first one that does.",
        "Nothing to do: checks come by themselves at secret random times.",
    )
    CONTROL_GOOD = (
        "control_good",
        "A known good control: the network's own node, whose checks check the checking.",
        "Nothing to do: it has to pass every check, and is never paid.",
    )
    CONTROL_BAD = (
        "control_bad",
        "A known bad control: the network's own node, whose checks check the checking.",
        "Nothing to do: it has to fail every check, and is never paid.",
    )
    CHECK_FAILED = (
        "check_failed",
        "The last check failed: nothing is paid until one passes.",
        "See the node's page for what the check found.",
    )
    SUSPECTED = (
        "suspected",
        "Checks failed more often than honest nodes' do; pay is parked until retests pass.",
        "Keep the node running: retests decide by themselves.",
    )
    SUSPENDED = (
        "suspended",
        "Retests found nobody serving what the node's statistics claimed.",
        "Let the RTMP port be reached from outside (run doctor); the next passed check reopens it.",
    )
    FRAUD = (
        "fraud",
        "Checks proved that the node served content that is not the stream's.",
        "Start over with a new key; nothing is paid to this one.",
    )
    # -- minutes that are not paid ------------------------------------------------------------
    DOWN = (
        "down",
        "In these minutes the node did not answer, or its relay had no stream while it was live.",
        "See the node's page for what each sweep found.",
    )
    INVALID = (
        "invalid",
        "In these minutes the node's stats could not be used.",
        "See the node's page for what each sweep found.",
    )
    BLOCKED = (
        "blocked",
        "In these minutes the node's announced address must not be called.",
        "Announce a public address and an ordinary port.",
    )
    LAPSED = (
        "lapsed",
        "No check could follow these minutes any more: the node had left, or the stream had ended.",
    )
    SAME_ADDRESS = (
        "same_address",
        "It was another node's turn at the same public address: one address is one paid place.",
        "Run one node behind each address. A turn is lost by a check that does not pass at once, "
        "and by more than five minutes away in an hour.",
    )
    NETWORK_SHARE = (
        "network_share",
        "Enough nodes of the same network (IPv4 /24, IPv6 /48) are paid; longest service first.",
        "Run the node in another network.",
    )
    AWAITING_CHECK = (
        "awaiting_check",
        "Minutes up since the last check wait for the next one, and are paid when it passes.",
    )
    BEFORE_FIRST_PASS = "before_first_pass", "Minutes before the node's first passed check."
    VOIDED = (
        "voided",
        "A check failed that followed these minutes, and none of its length had passed since.",
    )
    OWING = (
        "owing",
        "Too many checks passed at their second connection only. Each holds a quarter of an hour "
        "until passes make up for it.",
        "Keep the node running: 28 passes make up for one. See why first connections fail.",
    )
    AFTER_FAILURE = "after_failure", "Minutes between a failed check and the next passed one."
    BEYOND_MAX_PAID_NODES = (
        "beyond_max_paid_nodes",
        "The stream pays fewer nodes than serve it; longest verified service comes first.",
    )
    BALANCE_EXHAUSTED = (
        "balance_exhausted",
        "The stream's balance did not cover these minutes in full.",
    )
