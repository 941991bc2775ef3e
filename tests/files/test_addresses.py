"""Paths and addresses are told apart, and put together as Beam does it."""

import pytest
from apache_beam.io.filesystems import FileSystems

from customer_age.files import addresses


@pytest.mark.parametrize(
    "address", ["/data", "/data/", "data", "", ".", "s3://b", "s3://b/a/", "gs://b/a"]
)
@pytest.mark.parametrize("names", [("a",), ("a", "b.jpg"), ("/a",), ("a/", "/b"), ("",), ()])
def test_names_are_joined_as_beam_joins_them(address, names):
    assert addresses.join(address, *names) == FileSystems.join(address, *names)


@pytest.mark.parametrize("name", ["/a.jpg", "../a.jpg", "a/../../b.jpg", "C:a.jpg", "..\\a.jpg"])
def test_a_name_that_leads_out_of_its_folder_is_seen(name):
    assert addresses.leads_out(name)


def test_a_store_is_asked_for_many_things_at_once_and_a_disk_for_one():
    assert addresses.at_once("s3://bucket/inbox") > addresses.at_once("/inbox") == 1
