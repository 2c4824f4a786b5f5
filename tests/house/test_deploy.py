"""Files of deployment: valid by their schemas, and true of the product as it is."""

import copy
import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dataflows.settings import Settings
from dataflows.supervisor import _DRAIN_S
from tests.house.commands import check_typed
from tests.house.test_house import TRACKED
from tests.house.test_seeing import EXPOSED

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = ROOT / "docker-compose.yml"
KUBERNETES = sorted((ROOT / "deploy/kubernetes").glob("*.yaml"))
DOCKERFILES = [ROOT / "Dockerfile", ROOT / "deploy/catalogue.Dockerfile"]
DASHBOARD = ROOT / "ops/grafana/dashboards/tallywire-runtime.json"
KUBERNETES_VERSIONS = ("1.28", "1.37")
"""The oldest that the files are for, and a new one."""
SETTINGS = {f"TALLYWIRE_{name.upper()}" for name in Settings.model_fields}
PINNED = re.compile(r"[a-z0-9./-]+:v?\d+(\.\d+)*(-[a-z0-9.-]+)?")
_INGEST, _METRICS, _RADIUS = (
    Settings.model_fields[f"{name}_port"].default for name in ("ingest", "metrics", "radius")
)
LISTENS = {
    "clickhouse": {8123, 9000},
    "prometheus": {9090},
    "grafana": {3000},
    "tallywire": {_INGEST, _METRICS, _RADIUS},
}
"""Ports by service; those of Kafka stand in its own settings."""

OPTIONAL = {"podmonitor.yaml", "mqtt.yaml", "radius.yaml", "delivery.yaml"}
"""Files of Kubernetes that are added where they are needed."""

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())["services"]
OWN = {name for name, service in SERVICES.items() if service["image"].startswith("tallywire:")}
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}


def _objects() -> list[dict[str, Any]]:
    plain = [path for path in KUBERNETES if path.name != "kustomization.yaml"]
    return [one for path in plain for one in yaml.safe_load_all(path.read_text())]


OBJECTS = _objects()
PODS = {
    one["metadata"]["name"]: one["spec"]["template"]
    for one in OBJECTS
    if one["kind"] in {"StatefulSet", "Deployment", "Job"}
}


def _known_to_kubernetes(one: dict[str, Any]) -> bool:
    """Tell whether Kubernetes itself defines a kind; a PodMonitor is Prometheus's own."""
    return "monitoring.coreos.com" not in one["apiVersion"]


@pytest.mark.parametrize(
    "one",
    [
        pytest.param(one, id=f"{one['kind']} {one['metadata']['name']}")
        for one in filter(_known_to_kubernetes, OBJECTS)
    ],
)
@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
def test_an_object_is_what_kubernetes_takes(one: dict[str, Any], version: str) -> None:
    """By the schemas of its API, where no field is allowed that it does not know."""
    kubernetes_validate.validate(one, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    made = copy.deepcopy(OBJECTS[0])
    made["metadata"]["labelz"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="labelz"):
        kubernetes_validate.validate(made, KUBERNETES_VERSIONS[0], strict=True)


def _containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


CONTAINERS = [
    pytest.param(pod, container, id=f"{name}/{container['name']}")
    for name, pod in PODS.items()
    for container in _containers(pod)
]


def _environment(service: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = service.get("environment", {})
    return found


def test_the_compose_file_is_one_by_its_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec",
               str(COMPOSE)]  # fmt: skip
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_command_of_compose_can_be_typed(name: str) -> None:
    check_typed(SERVICES[name]["command"])


@pytest.mark.parametrize(("_pod", "container"), CONTAINERS)
def test_a_command_of_kubernetes_can_be_typed(_pod: Any, container: dict[str, Any]) -> None:
    names = {one["name"] for one in container.get("env", [])}
    words = [re.sub(r"\$\((\w+)\)", "0", word) for word in container["args"]]
    asked = {name for word in container["args"] for name in re.findall(r"\$\((\w+)\)", word)}
    assert asked <= names
    check_typed(words)


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_an_image_begins_from_a_pinned_one(path: Path) -> None:
    froms = re.findall(r"^FROM (\S+)", path.read_text(), re.MULTILINE)
    assert froms
    assert all(PINNED.fullmatch(image) for image in froms), froms


def test_the_image_runs_the_command_as_a_user_with_a_number_and_looks_after_its_health() -> None:
    text = (ROOT / "Dockerfile").read_text()
    last = text.rpartition("FROM ")[2]
    assert 'ENTRYPOINT ["tallywire"]' in last
    assert "STOPSIGNAL SIGTERM" in last
    assert "/health" in last.partition("HEALTHCHECK")[2]
    [user] = re.findall(r"^USER (\d+):(\d+)$", last, re.MULTILINE)
    assert user == ("10001", "10001")
    assert f"--uid {user[0]}" in last
    assert re.findall(r"TALLYWIRE_HOME=(\S+)", last) == re.findall(
        r"^VOLUME (\S+)$", last, re.MULTILINE
    )
    assert f"TALLYWIRE_METRICS_PORT={_METRICS}" in last
    assert "apt-get" not in text


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    text = (ROOT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists(), name
            assert f"!{name}" in ignored, name
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    for room in wheel["targets"]["wheel"]["packages"]:
        assert f"COPY {room} {room}\n" in text, room


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_pinned_bounded_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert PINNED.fullmatch(service["image"]), service["image"]
    assert service["mem_limit"]
    assert service["logging"]["options"]["max-size"]
    if name in ONCE:
        assert service["healthcheck"] == {"disable": True}
        return
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    if name in OWN:
        assert int(service["stop_grace_period"].removesuffix("s")) > _DRAIN_S
        assert service["ulimits"]["nofile"]["soft"] >= 65536
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_port_is_published_to_this_machine_only_and_something_listens(name: str) -> None:
    service = SERVICES[name]
    listeners = _environment(service).get("KAFKA_LISTENERS", "")
    known = LISTENS.get("tallywire" if name in OWN else name, set()) | {
        int(port) for port in re.findall(r":(\d+)", listeners)
    }
    for port in service.get("ports", []):
        address, outside, inside = port.split(":")
        assert address == "127.0.0.1"
        inside, _, kind = inside.partition("/")
        assert outside == inside
        assert kind == ("udp" if int(inside) == _RADIUS else "")
        assert int(inside) in known, port
    for text in map(str, [*service["healthcheck"].get("test", [])]):
        for port in re.findall(r"(?:127\.0\.0\.1|localhost):(\d+)", text):
            assert int(port) in known, text


def test_what_waits_for_another_waits_for_its_health_or_its_end() -> None:
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
            assert how["condition"] == wanted, other
    waited = {other for service in SERVICES.values() for other in service.get("depends_on", {})}
    assert waited >= ONCE


def _share(words: list[str]) -> str:
    return words[words.index("--share") + 1]


@pytest.mark.parametrize("kind", ["collection", "rating"])
def test_shares_make_a_whole_and_each_has_a_home_of_its_own(kind: str) -> None:
    workers = [one for one in SERVICES.values() if one.get("command", [])[:2] == ["work", kind]]
    shares = sorted(_share(worker["command"]) for worker in workers)
    assert shares == [f"{number}/{len(shares)}" for number in range(len(shares))]
    homes = {
        volume
        for worker in workers
        for volume in worker["volumes"]
        if volume.endswith(":/var/lib/tallywire")
    }
    assert len(homes) == len(workers)
    [pods] = [one for one in OBJECTS
              if one["kind"] == "StatefulSet" and one["metadata"]["name"] == f"tallywire-{kind}"]  # fmt: skip
    [container] = pods["spec"]["template"]["spec"]["containers"]
    assert _share(container["args"]) == f"$(ORDINAL)/{pods['spec']['replicas']}"
    [ordinal] = [one for one in container["env"] if one["name"] == "ORDINAL"]
    label = ordinal["valueFrom"]["fieldRef"]["fieldPath"]
    assert label == "metadata.labels['apps.kubernetes.io/pod-index']"


def test_one_service_writes_the_archive_of_catalogues() -> None:
    mounts = {
        name: volume
        for name in OWN
        for volume in SERVICES[name].get("volumes", [])
        if volume.startswith("catalogs:")
    }
    assert [name for name, volume in mounts.items() if not volume.endswith(":ro")] == ["catalog"]
    assert set(mounts) == OWN - {"tables"}
    for name in OWN - {"catalog"}:
        assert "--catalog" not in SERVICES[name]["command"], name


def test_what_is_mounted_of_the_repository_exists() -> None:
    volumes = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), volume
            elif not source.startswith("$"):
                assert source in volumes, f"{name}: {volume}"
    prometheus = SERVICES["prometheus"]["command"][0].rpartition("/")[2]
    assert (ROOT / "ops/prometheus" / prometheus).exists()


def _variables() -> Iterator[tuple[str, str]]:
    for name, service in SERVICES.items():
        yield from ((name, variable) for variable in _environment(service))
    for one in OBJECTS:
        if one["kind"] == "ConfigMap":
            yield from (("ConfigMap", variable) for variable in one["data"])
    for pod in PODS.values():
        for container in _containers(pod):
            yield from ((container["name"], one["name"]) for one in container.get("env", []))
    for path in [*DOCKERFILES, *KUBERNETES, COMPOSE, ROOT / "docs/guides/deploy.md"]:
        yield from (
            (path.name, one) for one in re.findall(r"\bTALLYWIRE_[A-Z_]+\b", path.read_text())
        )


def test_every_variable_of_tallywire_is_a_setting() -> None:
    found = [(where, name) for where, name in _variables() if name.startswith("TALLYWIRE_")]
    assert len(found) > 20
    assert [one for one in found if one[1] not in SETTINGS] == []


def test_values_of_settings_are_taken() -> None:
    for name in OWN:
        given = {
            key.removeprefix("TALLYWIRE_").lower(): value
            for key, value in _environment(SERVICES[name]).items()
        }
        made = Settings.model_validate(given)
        assert made.usage_log == "kafka"
        assert made.partitions == 64
    [shared] = [one["data"] for one in OBJECTS if one["kind"] == "ConfigMap"]
    made = Settings.model_validate(
        {k.removeprefix("TALLYWIRE_").lower(): v for k, v in shared.items()}
    )
    assert (made.ingest_port, made.metrics_port) == (_INGEST, _METRICS)


def test_no_password_has_a_value() -> None:
    for line in (ROOT / "deploy/example.env").read_text().splitlines():
        assert line.startswith("#") or not line or re.fullmatch(r"[A-Z_]+=", line), line
    text = COMPOSE.read_text()
    named = set(re.findall(r"\$\{([A-Z_]+)", text))
    assert named == set(re.findall(r"\$\{([A-Z_]+):\?", text)), "each must be told"
    assert named == set(
        re.findall(r"^([A-Z_]+)=$", (ROOT / "deploy/example.env").read_text(), re.MULTILINE)
    )
    for service in SERVICES.values():
        for name, value in _environment(service).items():
            assert "PASSWORD" not in name or re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), name
    assert not [one for one in OBJECTS if one["kind"] == "Secret"]
    assert ".env" in (ROOT / ".gitignore").read_text().split()
    assert ".env" not in TRACKED


def test_kustomize_names_every_file() -> None:
    named = yaml.safe_load((ROOT / "deploy/kubernetes/kustomization.yaml").read_text())
    files = {path.name for path in KUBERNETES} - {"kustomization.yaml", *OPTIONAL}
    assert set(named["resources"]) == files
    text = (ROOT / "deploy/kubernetes/kustomization.yaml").read_text()
    assert all(f"{name}" in text for name in OPTIONAL), "each is spoken of"
    [image] = named["images"]
    for pod in PODS.values():
        for container in _containers(pod):
            assert container["image"].partition(":")[0] == image["name"]
            assert PINNED.fullmatch(container["image"])


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_with_as_little_as_it_needs(name: str) -> None:
    spec = PODS[name]["spec"]
    assert spec["enableServiceLinks"] is False, "a link would set TALLYWIRE_INGEST_PORT"
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["securityContext"]["runAsUser"] == spec["securityContext"]["fsGroup"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}


@pytest.mark.parametrize(("pod", "container"), CONTAINERS)
def test_a_container_is_closed_and_finds_what_it_names(pod: Any, container: dict[str, Any]) -> None:
    own = container["securityContext"]
    assert own == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    kept = {volume["name"] for volume in pod["spec"]["volumes"]}
    claimed = {
        claim["metadata"]["name"]
        for one in OBJECTS
        if one["kind"] == "StatefulSet" and one["spec"]["template"] is pod
        for claim in one["spec"]["volumeClaimTemplates"]
    }
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    assert set(mounts.values()) <= kept | claimed
    assert {"/tmp", "/var/lib/tallywire"} <= set(mounts)  # noqa: S108  the container's own
    ports = {one["name"]: one["containerPort"] for one in container.get("ports", [])}
    assert set(ports.values()) <= LISTENS["tallywire"]
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        if container in pod["spec"]["containers"] and "ports" in container:
            assert container[kind]["httpGet"]["port"] in ports, kind
    config = [one["metadata"]["name"] for one in OBJECTS if one["kind"] == "ConfigMap"]
    for source in container["envFrom"]:
        if "configMapRef" in source:
            assert source["configMapRef"]["name"] in config


@pytest.mark.parametrize("name", [name for name in PODS if "prepare" not in name])
def test_labels_lead_to_pods(name: str) -> None:
    labels = PODS[name]["metadata"]["labels"]
    assert PODS[name]["spec"]["terminationGracePeriodSeconds"] > _DRAIN_S
    selecting = {one["kind"] for one in OBJECTS if one["metadata"]["name"] == name}
    assert {"Service", "PodDisruptionBudget"} < selecting
    for one in OBJECTS:
        if one["metadata"]["name"] == name and one["kind"] != "NetworkPolicy":
            selector = one["spec"]["selector"]
            assert selector.get("matchLabels", selector) == labels
        if one["metadata"]["name"] == name and one["kind"] == "Service":
            names = {port["name"] for port in PODS[name]["spec"]["containers"][0]["ports"]}
            assert {port["targetPort"] for port in one["spec"]["ports"]} <= names


TAKING = ("ingest", "mqtt", "radius")


@pytest.mark.parametrize("name", TAKING)
def test_what_takes_usage_keeps_nothing_on_a_disk_that_goes_away(name: str) -> None:
    [container] = PODS[f"tallywire-{name}"]["spec"]["containers"]
    assert container["args"] == SERVICES[name]["command"]
    assert "--topics-only" in container["args"]
    secrets = [one.get("secretRef", {}).get("name") for one in container["envFrom"]]
    assert "tallywire-store" not in secrets
    assert _environment(SERVICES[name])["TALLYWIRE_STORE_URL"] == ""


@pytest.mark.parametrize("name", ["mqtt", "radius"])
def test_what_not_everybody_needs_is_started_where_it_is_named(name: str) -> None:
    service = SERVICES[name]
    assert service["profiles"] == [name]
    [secrets] = service["env_file"]
    assert secrets == {"path": f"{name}.env", "required": False}
    assert secrets["path"] in (ROOT / ".gitignore").read_text().split()
    assert not [other for other in SERVICES.values() if name in other.get("depends_on", {})]
    [job] = yaml.safe_load((ROOT / "ops/prometheus/compose.yml").read_text())["scrape_configs"]
    assert name in job["dns_sd_configs"][0]["names"]
    assert not [one for one in job["static_configs"][0]["targets"] if one.startswith(name)]


def test_a_session_at_a_broker_is_of_one_pod() -> None:
    [container] = PODS["tallywire-mqtt"]["spec"]["containers"]
    [client] = container["env"]
    assert client["name"] == "TALLYWIRE_MQTT_CLIENT"
    assert client["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"


def test_the_dashboard_is_what_its_script_writes() -> None:
    script = ROOT / "ops/grafana/dashboard.py"
    asked = f"import runpy; print(runpy.run_path({str(script)!r})['written'](), end='')"
    made = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert made.stdout == DASHBOARD.read_text(), "run `make docs`"


def test_every_metric_of_the_dashboard_exists_and_every_metric_is_on_it() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    named = {name for query in queries for name in re.findall(r"\btallywire_[a-z_]+\b", query)}
    assert named - EXPOSED == set()
    bare = {re.sub(r"_(bucket|count|sum)$", "", name) for name in named}
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in EXPOSED} - bare == set()
    source = yaml.safe_load(
        (ROOT / "ops/grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    uids = {target["datasource"]["uid"] for panel in panels for target in panel.get("targets", [])}
    assert uids == {source["datasources"][0]["uid"]}


def _locked(path: Path) -> dict[str, set[str]]:
    """Read a lock: pins to what stands below each."""
    blocks = re.split(r"^(?=\w)", path.read_text(), flags=re.MULTILINE)
    return {
        block.split(" \\\n")[0]: set(re.findall(r"--hash=(\S+)", block))
        for block in blocks
        if block
    }


@pytest.mark.parametrize("name", ["requirements-run.lock", "requirements-build.lock"])
def test_a_smaller_lock_is_a_part_of_the_whole(name: str) -> None:
    whole, part = _locked(ROOT / "requirements.lock"), _locked(ROOT / name)
    assert part
    for pin, hashes in part.items():
        assert hashes, pin
        assert hashes == whole[pin], pin


def _needed(wanted: list[str]) -> set[str]:
    """Name all that is needed by what is wanted, as the packages installed here say."""
    todo, seen = [Requirement(text) for text in wanted], set[tuple[str, frozenset[str]]]()
    while todo:
        one = todo.pop()
        key = (canonicalize_name(one.name), frozenset(one.extras))
        if key in seen:
            continue
        seen.add(key)
        try:
            found = distribution(one.name).requires or []
        except PackageNotFoundError:
            continue
        for text in found:
            inner = Requirement(text)
            extras = one.extras or {""}
            if inner.marker is None or any(inner.marker.evaluate({"extra": e}) for e in extras):
                todo.append(inner)
    return {name for name, _ in seen}


def test_the_lock_of_what_runs_is_whole_and_has_no_tool_of_tests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *extras["embedded"], *extras["registry"]]
    names = {
        canonicalize_name(pin.partition("==")[0]) for pin in _locked(ROOT / "requirements-run.lock")
    }
    assert _needed(wanted) - names == set()
    groups = project["dependency-groups"]
    tools = {canonicalize_name(Requirement(one).name) for group in groups.values() for one in group}
    direct = {canonicalize_name(Requirement(one).name) for one in wanted}
    assert (names & tools) - direct - _needed(wanted) == set()


def _lines(text: str) -> list[str]:
    """Give the lines of a page's blocks of commands, without comments and substitutions."""
    blocks = re.findall(r"```\n(.*?)```", text, re.DOTALL)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [re.sub(r"\$\(.*?\)", "VALUE", line).partition(" #")[0] for line in lines]


def _typed(line: str) -> list[str]:
    """Give the words behind `tallywire` of a line, wherever it runs; nothing of other lines."""
    try:
        words = shlex.split(line.partition(" | ")[0])
    except ValueError:  # a part of a text over several lines
        return []
    for begun in (["docker", "compose", "run", "--rm"], ["docker", "compose", "exec"]):
        if words[: len(begun)] == begun:
            assert words[len(begun)] in SERVICES, line
            words = words[len(begun) + 1 :]
            return words[1:] if words[:1] == ["tallywire"] else words
    if words[:1] == ["kubectl"] and "--" in words:
        words = words[words.index("--") + 1 :]
    while words and "=" in words[0]:
        words = words[1:]
    return words[1:] if words[:1] == ["tallywire"] else []


GUIDES = ("guides/deploy", "guides/first-stream", "guides/kafka", "guides/scale-out",
          "concepts/processes")  # fmt: skip


@pytest.mark.parametrize("name", GUIDES)
def test_a_command_of_a_guide_can_be_typed(name: str) -> None:
    page = ROOT / f"docs/{name}.md"
    text = page.read_text()
    inline = re.findall(r"`((?:tallywire|docker compose|kubectl) [^`]+)`", text)
    for line in _lines(text):
        if words := _typed(line):
            check_typed(words)
    for line in inline:
        if words := _typed(line):
            check_typed(words, whole=False)
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target
