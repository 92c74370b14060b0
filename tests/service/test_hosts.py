"""Which hosts may be asked: the list, and what an address stands for."""

import pytest

from service.errors import SettingsError
from service.hosts import AllowedHost, is_public, parse_hosts


def allowed(listed: str, scheme: str, name: str, port: int) -> bool:
    return any(host.allows(scheme, name, port) for host in parse_hosts(listed))


@pytest.mark.parametrize("name", ["pictures.example", "a.shop.example", "a.b.shop.example"])
def test_listed_hosts_are_allowed_on_the_usual_ports(name: str) -> None:
    listed = "pictures.example, *.Shop.example,"
    assert allowed(listed, "http", name, 80)
    assert allowed(listed, "https", name, 443)
    assert not allowed(listed, "https", name, 80)
    assert not allowed(listed, "http", name, 8080)


@pytest.mark.parametrize(
    "name",
    ["shop.example", "xshop.example", "shop.example.evil", "evil", "", "pictures.example."],
)
def test_other_hosts_are_not(name: str) -> None:
    assert not allowed("pictures.example,*.shop.example", "http", name, 80)


def test_a_port_is_that_one_only() -> None:
    assert parse_hosts("a.example:8443") == (AllowedHost("a.example", port=8443),)
    assert allowed("a.example:8443", "https", "a.example", 8443)
    assert not allowed("a.example:8443", "https", "a.example", 443)


@pytest.mark.parametrize(
    "text",
    ["*", "*.", "*.com", "a.*.b", "http://a", "a/b", "a:", "a:x", "a:0", "a:99999", "::1", "a b"],
)
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="'url_hosts' has"):
        parse_hosts(f"fine.example,{text}")


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "1.1.1.1",
        "2606:4700:4700::1111",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ],
)
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.8.8.8",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::1.1.1.1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::101:101",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:101:101::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "ff02::1",
        "fec0::1",
        "2130706433",
        "127.1",
        "0x7f.0.0.1",
        "host",
        "",
    ],
)
def test_all_others_are_not(address: str) -> None:
    assert not is_public(address)
