"""The embedded store's configuration: where it listens, who may do what, what it may take."""

import hashlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

LOCAL = "127.0.0.1"
ROLES = ("owner", "writer", "reader")
_PRIVATE = 0o600
_INSIDE = "::1"
"""Where the engine says it comes from when it opens its listeners, as the user `default`."""
_OPENING_GRANTS = ("SYSTEM LISTEN ON *.*", "CREATE TEMPORARY TABLE ON *.*", "READ ON FILE")
"""What the engine needs for that."""
_MARK_CACHE_BYTES = 256 * 1024 * 1024
KEPT_FREE_BYTES = 256 * 1024 * 1024
"""Of the disk: with less, inserts and merges are refused before they begin. One that meets the last
octet can leave a part of a table whose files are empty, remembered as if it were whole."""


@dataclass(frozen=True)
class ServerPlan:
    """What a server is to be.

    Attributes:
        home: Its folder.
        listen: Address; anything but 127.0.0.1 must be asked for.
        memory_bytes: Cap of what the server may allocate.
        database: The database writers and readers are let into.
    """

    home: Path
    http_port: int
    tcp_port: int
    listen: str = LOCAL
    memory_bytes: int = 2_000_000_000
    database: str = "tallywire"


def password(home: Path, role: str) -> str:
    """Read a role's password, made at random the first time; only this user may read the file."""
    path = home / f"{role}.password"
    if not path.exists():
        path.touch(mode=_PRIVATE)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text().strip()


def config_xml(plan: ServerPlan) -> str:
    """Write the server's configuration."""
    home = escape(str(plan.home))
    return f"""<clickhouse>
  <listen_host>{escape(plan.listen)}</listen_host>
  <http_port>{plan.http_port}</http_port>
  <tcp_port>{plan.tcp_port}</tcp_port>
  <logger><log>{home}/server.log</log><size>50M</size><count>3</count></logger>
  <log-level>warning</log-level>
  <users_config>{home}/users.xml</users_config>
  <max_server_memory_usage>{plan.memory_bytes}</max_server_memory_usage>
  <mark_cache_size>{_MARK_CACHE_BYTES}</mark_cache_size>
  <mlock_executable>false</mlock_executable>
  <storage_configuration>
    <disks><default><keep_free_space_bytes>{KEPT_FREE_BYTES}</keep_free_space_bytes></default></disks>
  </storage_configuration>
  <backups><allowed_path>{home}/backups/</allowed_path></backups>
  <query_log>
    <database>system</database><table>query_log</table>
    <ttl>event_date + INTERVAL 7 DAY DELETE</ttl>
    <flush_interval_milliseconds>5000</flush_interval_milliseconds>
  </query_log>
</clickhouse>
"""


def _user(name: str, secret: str, profile: str, grants: str) -> str:
    digest = hashlib.sha256(secret.encode()).hexdigest()
    return f"""    <{name}>
      <password_sha256_hex>{digest}</password_sha256_hex>
      <networks><ip>::1</ip><ip>127.0.0.1</ip><ip>::/0</ip></networks>
      <profile>{profile}</profile><quota>default</quota>{grants}
    </{name}>"""


def _grants(*queries: str) -> str:
    lines = "".join(f"<query>GRANT {query}</query>" for query in queries)
    return f"\n      <grants>{lines}</grants>"


def users_xml(plan: ServerPlan) -> str:
    """Write users: the owner may do all, the writer insert and read, the reader only read.

    Nobody but the owner has `file`, `url` or any other table function that reaches the host.

    The engine itself needs a user `default` without a password. It may hold one session, and the
    engine holds it for as long as it runs: whoever else comes as `default` is refused.
    """
    database = plan.database
    half = plan.memory_bytes // 2
    users = "\n".join(
        [
            _user("owner", password(plan.home, "owner"), "default", ""),
            _user("writer", password(plan.home, "writer"), "default",
                  _grants(f"SELECT, INSERT, ALTER DELETE ON {database}.*",
                          "SELECT ON system.parts", "SELECT ON system.merges")),
            _user("reader", password(plan.home, "reader"), "reader",
                  _grants(f"SELECT ON {database}.*")),
        ]
    )  # fmt: skip
    return f"""<clickhouse>
  <profiles>
    <default><max_memory_usage>{half}</max_memory_usage></default>
    <opening>
      <max_memory_usage>{half}</max_memory_usage><max_sessions_for_user>1</max_sessions_for_user>
    </opening>
    <reader>
      <readonly>2</readonly><max_execution_time>30</max_execution_time>
      <max_memory_usage>{half}</max_memory_usage><max_result_rows>1000000</max_result_rows>
    </reader>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/><networks><ip>{_INSIDE}</ip></networks>
      <profile>opening</profile><quota>default</quota>{_grants(*_OPENING_GRANTS)}
    </default>
{users}
  </users>
</clickhouse>
"""


def prepare(plan: ServerPlan) -> None:
    """Write a server's files.

    Raises:
        OSError: If the folder cannot be written.
    """
    plan.home.mkdir(parents=True, exist_ok=True)
    plan.home.chmod(0o700)
    for name, content in (("config.xml", config_xml(plan)), ("users.xml", users_xml(plan))):
        path = plan.home / name
        path.write_text(content)
        path.chmod(_PRIVATE)
