"""Files of flows: each form as its documentation shows it, and every way in which lines can be bad."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.model.flow import EndRole, FlowRecord, FlowVerdict
from seawall.sources.flows import FORMATS, FlowFile
from seawall.sources.flows.read import MAX_LINE


def read(tmp_path: Path, data: str | bytes, form: str | None = None) -> tuple[FlowFile, list[FlowRecord]]:
    path = tmp_path / "flows"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    file = FlowFile(str(path), form)
    return file, list(file.records())


def one(tmp_path: Path, data: str, form: str) -> FlowRecord:
    file, records = read(tmp_path, data)
    assert file.errors == []
    assert file.form == form
    assert len(records) == 1
    return records[0]


HUBBLE: dict[str, Any] = {
    "time": "2023-05-30T09:01:02.123456789Z",
    "uuid": "75cae0cc-b6ee-4f34-a5a3-e9ad7a6bb8c8",
    "verdict": "FORWARDED",
    "ethernet": {"source": "0a:58:0a:00:00:01", "destination": "0a:58:0a:00:00:02"},
    "IP": {"source": "10.0.0.132", "destination": "10.0.0.45", "ipVersion": "IPv4"},
    "l4": {"TCP": {"source_port": 45678, "destination_port": 8080, "flags": {"SYN": True}}},
    "source": {
        "ID": 2141,
        "identity": 25431,
        "cluster_name": "default",
        "namespace": "shop",
        "labels": ["k8s:app=web", "k8s:io.kubernetes.pod.namespace=shop", "k8s:tier=front"],
        "pod_name": "web-6f5d8c7b9d-x2x4z",
        "workloads": [{"name": "web", "kind": "Deployment"}],
    },
    "destination": {"ID": 77, "identity": 9, "namespace": "shop", "labels": ["k8s:app=cart"], "pod_name": "cart-0"},
    "Type": "L3_L4",
    "node_name": "node-1",
    "destination_names": [],
    "event_type": {"type": 4, "sub_type": 0},
    "destination_service": {"name": "cart", "namespace": "shop"},
    "traffic_direction": "INGRESS",
    "trace_observation_point": "TO_ENDPOINT",
    "is_reply": False,
    "Summary": "TCP Flags: SYN",
}


def hubble(**changes: Any) -> str:
    return json.dumps({"flow": HUBBLE | changes, "node_name": "node-1", "time": HUBBLE["time"]})


def test_hubble(tmp_path: Path) -> None:
    record = one(tmp_path, hubble(), "hubble")
    assert (record.protocol, record.port, record.source_port) == ("TCP", 8080, 45678)
    assert (record.source.namespace, record.source.workload, record.source.kind) == ("shop", "web", "Deployment")
    assert record.source.labels == ("app=web", "tier=front")
    assert (record.target.pod, record.target.service, record.target.address) == ("cart-0", "cart", "10.0.0.45")
    assert (record.time, record.verdict, record.reply) == ("2023-05-30T09:01:02Z", FlowVerdict.ALLOWED, False)
    # Older versions print the flow without an envelope.
    assert one(tmp_path, json.dumps(HUBBLE), "hubble") == record


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [("DROPPED", FlowVerdict.DENIED), ("AUDIT", FlowVerdict.ALLOWED), ("REDIRECTED", FlowVerdict.ALLOWED)],
)
def test_hubble_verdicts(tmp_path: Path, verdict: str, expected: FlowVerdict) -> None:
    assert one(tmp_path, hubble(verdict=verdict), "hubble").verdict is expected


def test_hubble_identities_and_replies(tmp_path: Path) -> None:
    world = {"ID": 0, "identity": 2, "labels": ["reserved:world"]}
    record = one(tmp_path, hubble(source=world, is_reply=None), "hubble")
    assert record.source.role is EndRole.OUTSIDE
    assert record.reply is False  # a SYN without ACK opens a connection
    host = {"identity": 1, "labels": ["reserved:host", "reserved:kube-apiserver"]}
    assert one(tmp_path, hubble(source=host), "hubble").source.role is EndRole.API_SERVER
    flags = {"TCP": {"source_port": 8080, "destination_port": 45678, "flags": {"SYN": True, "ACK": True}}}
    assert one(tmp_path, hubble(l4=flags, is_reply=None), "hubble").reply is True
    unknown = {"UDP": {"source_port": 1, "destination_port": 53}}
    assert one(tmp_path, hubble(l4=unknown, is_reply=None), "hubble").reply is None


def test_hubble_lines_that_are_no_flows_are_counted(tmp_path: Path) -> None:
    lines = [
        hubble(),
        hubble(Type="SOCK"),
        hubble(IP=None),
        '{"node_status":{"state_change":"NODE_CONNECTED"},"node_name":"n"}',
        '{"lost_events":{"source":"HUBBLE_RING_BUFFER","num_events_lost":"3"}}',
    ]
    file, records = read(tmp_path, "\n".join(lines))
    assert len(records) == 1
    assert sum(file.skipped.values()) == 4
    assert file.errors == []


CALICO = {
    "start_time": 1597086517,
    "end_time": 1597086527,
    "source_ip": None,
    "source_name": "-",
    "source_name_aggr": "web-6f5d8c7b9d-*",
    "source_namespace": "shop",
    "source_port": None,
    "source_type": "wep",
    "source_labels": {"labels": ["app=web", "pod-template-hash=6f5d8c7b9d"]},
    "dest_ip": "10.0.0.45",
    "dest_name": "cart-0",
    "dest_name_aggr": "cart-*",
    "dest_namespace": "shop",
    "dest_port": 8080,
    "dest_type": "wep",
    "dest_labels": {"labels": ["app=cart"]},
    "dest_service_namespace": "shop",
    "dest_service_name": "cart",
    "dest_service_port": "http",
    "dest_service_port_num": 80,
    "proto": "tcp",
    "action": "allow",
    "reporter": "src",
    "policies": {"all_policies": ["0|__PROFILE__|__PROFILE__.kns.shop|allow|0"]},
    "bytes_in": 10,
    "num_flows": 3,
}


def test_calico(tmp_path: Path) -> None:
    record = one(tmp_path, json.dumps(CALICO), "calico")
    assert (record.source.pod, record.source.namespace) == ("web-6f5d8c7b9d-*", "shop")
    assert (record.target.pod, record.target.service, record.target.service_port) == ("cart-0", "cart", 80)
    assert (record.protocol, record.port, record.count) == ("TCP", 8080, 3)
    assert (record.time, record.last) == ("2020-08-10T19:08:37Z", "2020-08-10T19:08:47Z")
    # As a search in its store returns it.
    assert one(tmp_path, json.dumps({"_index": "flows", "_source": CALICO}), "calico") == record


def test_calico_denials_networks_and_hosts(tmp_path: Path) -> None:
    net = CALICO | {"source_type": "net", "source_name_aggr": "pub", "source_ip": "1.2.3.4", "source_namespace": "-"}
    record = one(tmp_path, json.dumps(net | {"action": "deny", "proto": "17"}), "calico")
    assert (record.source.address, record.source.pod, record.source.namespace) == ("1.2.3.4", "", "")
    assert (record.verdict, record.protocol) == (FlowVerdict.DENIED, "UDP")
    hep = CALICO | {"source_type": "hep", "source_ip": "192.168.0.4"}
    assert one(tmp_path, json.dumps(hep), "calico").source.role is EndRole.REMOTE_HOST


#: From Istio's documentation of access logs: the client's side, then the server's.
ISTIO_OUT = (
    '[2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 4 4 "-" '
    '"curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "10.44.1.27:80" '
    "outbound|8000||httpbin.foo.svc.cluster.local 10.44.1.23:37652 10.0.45.184:8000 10.44.1.23:46520 - default"
)
ISTIO_IN = (
    '[2020-11-25T21:26:18.409Z] "GET /status/418 HTTP/1.1" 418 - via_upstream - "-" 0 135 3 1 "-" '
    '"curl/7.73.0-DEV" "84961386-6d84-929d-98bd-c5aee93b5c88" "httpbin:8000" "127.0.0.1:80" inbound|8000|| '
    "127.0.0.1:41854 10.44.1.27:80 10.44.1.23:37652 outbound_.8000_._.httpbin.foo.svc.cluster.local default"
)


def test_istio_text(tmp_path: Path) -> None:
    out = one(tmp_path, ISTIO_OUT, "istio")
    assert (out.source.address, out.target.address, out.port) == ("10.44.1.23", "10.44.1.27", 80)
    assert (out.target.namespace, out.target.service, out.target.service_port) == ("foo", "httpbin", 8000)
    received = one(tmp_path, ISTIO_IN, "istio")
    assert (received.source.address, received.target.address, received.port) == ("10.44.1.23", "10.44.1.27", 80)
    assert one(tmp_path, f"[pod/web-1/istio-proxy] {ISTIO_IN}", "istio") == received


def test_a_user_agent_cannot_change_what_a_line_says(tmp_path: Path) -> None:
    forged = 'x" "id" "host" "6.6.6.6:80" outbound|80||evil.svc 1.1.1.1:1 2.2.2.2:2 3.3.3.3:3 - default "'
    record = one(tmp_path, ISTIO_IN.replace("curl/7.73.0-DEV", forged), "istio")
    assert (record.source.address, record.target.address) == ("10.44.1.23", "10.44.1.27")


def test_istio_json_at_a_gateway_has_two_connections(tmp_path: Path) -> None:
    entry = {
        "start_time": "2024-05-01T10:00:00.100Z",
        "method": "GET",
        "response_code": 200,
        "response_flags": "-",
        "response_code_details": "via_upstream",
        "upstream_cluster": "outbound|80||web.shop.svc.cluster.local",
        "upstream_host": "10.1.0.7:8080",
        "upstream_local_address": "10.1.0.3:44000",
        "downstream_local_address": "10.1.0.3:8443",
        "downstream_remote_address": "203.0.113.9:51000",
        "authority": "shop.example.com",
    }
    file, records = read(tmp_path, json.dumps(entry))
    assert file.form == "istio"
    assert [(r.source.address, r.target.address, r.port) for r in records] == [
        ("10.1.0.3", "10.1.0.7", 8080),
        ("203.0.113.9", "10.1.0.3", 8443),
    ]
    denied = entry | {"response_code_details": "rbac_access_denied_matched_policy[none]", "upstream_host": "-"}
    assert read(tmp_path, json.dumps(denied))[1][0].verdict is FlowVerdict.DENIED
    refused = entry | {"upstream_host": None, "response_flags": "UF"}
    file, records = read(tmp_path, json.dumps(refused))
    assert records == []
    assert sum(file.skipped.values()) == 1


def test_other_lines_of_a_proxy_are_counted(tmp_path: Path) -> None:
    noise = "2024-05-01T10:00:00.1Z\tinfo\tReadiness succeeded\n[2024-05-01 10:00:00.1][19][warning][config] [a] b\n"
    file, records = read(tmp_path, f"{noise}{ISTIO_IN}\n")
    assert len(records) == 1
    assert file.skipped.total() == 2
    assert file.errors == []


def test_csv(tmp_path: Path) -> None:
    text = (
        "First Seen,Source,Destination,Dst Port,Protocol,Action,Count\n"
        "2024-05-01T12:00:00+02:00,shop/web[Deployment],10.0.0.7,8080,tcp,ACCEPT,12\n"
        "2024-05-01T10:00:00Z,2001:db8::7,shop/cart-0,53,udp,drop,\n"
    )
    file, records = read(tmp_path, text)
    assert (file.form, file.errors) == ("csv", [])
    assert (records[0].source.workload, records[0].source.kind, records[0].count) == ("web", "Deployment", 12)
    assert (records[0].time, records[0].port) == ("2024-05-01T10:00:00Z", 8080)
    assert (records[1].source.address, records[1].target.pod) == ("2001:db8::7", "cart-0")
    assert records[1].verdict is FlowVerdict.DENIED


def test_csv_with_columns_of_parts(tmp_path: Path) -> None:
    header = "src_namespace,src_workload,src_kind,dest_namespace,dest_service,dst,port"
    text = f"{header}\nshop,web,Deployment,db,pg,,5432\n"
    _, records = read(tmp_path, text, "csv")
    assert (records[0].source.workload, records[0].target.service, records[0].protocol) == ("web", "pg", "TCP")


def test_own_form(tmp_path: Path) -> None:
    value = {
        "schema": "seawall.flow/v1",
        "source": {"namespace": "shop", "workload": "web", "kind": "Deployment"},
        "target": {"address": "::ffff:10.0.0.7", "servicePort": 80},
        "protocol": "tcp",
        "port": 8080,
        "sourcePort": 40000,
        "count": 2,
        "time": "2024-05-01T10:00:00Z",
        "verdict": "unknown",
    }
    record = one(tmp_path, json.dumps(value), "seawall")
    assert (record.target.address, record.protocol, record.source_port) == ("10.0.0.7", "TCP", 40000)
    assert (record.verdict, record.last) == (FlowVerdict.UNKNOWN, "2024-05-01T10:00:00Z")


def test_gzip(tmp_path: Path) -> None:
    file, records = read(tmp_path, gzip.compress(hubble().encode()) + gzip.compress(f"\n{hubble()}".encode()))
    assert (file.form, len(records), file.errors) == ("hubble", 2, [])


def test_a_gzip_bomb_is_an_error(tmp_path: Path) -> None:
    bomb = gzip.compress(b"\n" * (200 << 20))
    file, records = read(tmp_path, gzip.compress(hubble().encode() + b"\n") + bomb, "hubble")
    assert len(records) == 1
    assert "unpack it yourself" in str(file.errors[0])


def test_a_cut_gzip_is_an_error_after_what_could_be_read(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(hubble(uuid=str(n)) for n in range(3000)).encode())
    file, records = read(tmp_path, whole[: len(whole) // 2], "hubble")
    assert records
    assert len(file.errors) >= 1
    assert any(error.unreadable for error in file.errors)


def test_a_line_without_end_costs_no_memory(tmp_path: Path) -> None:
    file, records = read(tmp_path, b"x" * (3 * MAX_LINE) + b"\n" + hubble().encode() + b"\n", "hubble")
    assert len(records) == 1
    assert "longer than 1 MiB" in str(file.errors[0])


BAD_LINES = {
    "hubble": ["{", "[]", '{"flow":{}}', '{"flow":{"verdict":5}}', hubble(IP={"source": "x", "destination": "y"}),
               hubble(l4={"TCP": {"destination_port": 99999}}), "[" * 10000, "\xff"],
    "calico": ["{}", json.dumps(CALICO | {"action": "maybe"}), json.dumps(CALICO | {"dest_port": "http"}),
               json.dumps(CALICO | {"source_ip": "300.1.1.1"}), json.dumps(CALICO | {"num_flows": -1})],
    "istio": ["hello", "{}", '{"upstream_cluster":"a","downstream_remote_address":"b"}', ISTIO_IN[:-60],
              ISTIO_IN.replace("10.44.1.23:37652", "10.44.1.23:99999")],
    "seawall": ["{}", '{"schema":"seawall.flow/v2"}', '{"schema":"seawall.flow/v1","port":1}', "null",
                '{"schema":"seawall.flow/v1","source":{},"target":{},"protocol":"TCP","port":70000}'],
    "csv": ["a,b,tcp,x", '"', ",1.2.3.4,tcp,80", "1.2.3.4,nowhere,tcp,80", "1.2.3.4.5,1.1.1.1,tcp,80"],
}  # fmt: skip


@pytest.mark.parametrize(("form", "line"), [(form, line) for form, lines in BAD_LINES.items() for line in lines])
def test_bad_lines_are_named(tmp_path: Path, form: str, line: str) -> None:
    head = "source,destination,protocol,port\n" if form == "csv" else ""
    file, records = read(tmp_path, f"{head}{line}\n", form)
    assert records == []
    assert [error.where for error in file.errors] == ["2" if head else "1"]
    assert "\n" not in str(file.errors[0])


def test_many_bad_lines_are_counted(tmp_path: Path) -> None:
    file, records = read(tmp_path, "\n".join(["{"] * 50 + [hubble()]), "hubble")
    assert len(records) == 1
    assert len(file.errors) == 4
    assert "50 lines could not be read" in str(file.errors[-1])


@pytest.mark.parametrize("data", ["", "\n\n", "hello world\n", "[1, 2]\n", '{"a": 1}\n', "a,b,c\n1,2,3\n"])
def test_no_form_is_no_silent_success(tmp_path: Path, data: str) -> None:
    file, records = read(tmp_path, data)
    assert records == []
    assert file.errors


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    file = FlowFile(str(tmp_path / "none"))
    assert list(file.records()) == []
    assert "cannot be read" in str(file.errors[0])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
SAMPLES = (
    HUBBLE,
    CALICO,
    {"flow": HUBBLE},
    {"_source": CALICO},
    {"schema": "seawall.flow/v1", "source": {}, "target": {}},
)


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """A good object with a field that is something else, or any bytes, or a cut line."""
    sample: dict[str, Any] = json.loads(json.dumps(draw(st.sampled_from(SAMPLES))))
    inner = sample.get("flow", sample.get("_source", sample))
    inner[draw(st.sampled_from([*sorted(inner), "new"]))] = draw(JSON)
    line = draw(
        st.sampled_from((json.dumps(sample).encode(), ISTIO_IN.encode(), ISTIO_OUT.encode(), b"1.1.1.1,a/b,x,1"))
    )
    at = draw(st.integers(0, len(line)))
    return draw(st.sampled_from((line, line[:at], line[:at] + draw(st.binary(max_size=20)) + line[at:])))


@settings(max_examples=400, deadline=None)
@given(st.lists(spoiled() | st.binary(max_size=200), max_size=4), st.sampled_from((None, *FORMATS)))
def test_whatever_the_bytes_reading_ends_with_flows_or_errors(lines: list[bytes], form: str | None) -> None:
    with tempfile.NamedTemporaryFile() as temporary:
        temporary.write(b"\n".join(lines))
        temporary.flush()
        file = FlowFile(temporary.name, form)
        records = list(file.records())
    for record in records:
        assert 0 <= record.port <= 65535
        assert record.count >= 1
        assert record.protocol
        for address in (record.source.address, record.target.address):
            assert address == "" or "." in address or ":" in address
    assert file.records_read == len(records)
    assert records or file.skipped or file.errors
