"""Paths and addresses are distinguished, and joined as Beam joins them."""

import pytest
import sqlalchemy
from apache_beam.io.filesystems import FileSystems

from customer_age.errors import SettingsError
from customer_age.files import addresses


@pytest.mark.parametrize(
    "address", ["/data", "/data/", "data", "", ".", "s3://b", "s3://b/a/", "gs://b/a"]
)
@pytest.mark.parametrize("names", [("a",), ("a", "b.jpg"), ("/a",), ("a/", "/b"), ("",), ()])
def test_names_are_joined_as_beam_joins_them(address, names):
    assert addresses.join(address, *names) == FileSystems.join(address, *names)


def test_a_store_gets_many_requests_at_once_and_a_disk_one():
    assert addresses.at_once("s3://bucket/inbox") > addresses.at_once("/inbox") == 1


MINIO = "?endpoint=http://minio:9000"


def test_the_options_of_an_address_stay_at_its_end():
    photo = addresses.join(f"s3://shop/photos{MINIO}", "a", "b.jpg")
    assert photo == f"s3://shop/photos/a/b.jpg{MINIO}"
    assert addresses.options(photo) == {"endpoint": "http://minio:9000"}
    assert addresses.plain(photo) == "s3://shop/photos/a/b.jpg"


@pytest.mark.parametrize("base", ["s3://shop/photos", f"s3://shop/photos{MINIO}", "gs://shop"])
@pytest.mark.parametrize(
    "name", ["a?endpoint=http://evil", "a?b=c", "?", "a?", "a?verify=no&region=x"]
)
def test_a_name_adds_no_options(base, name):
    joined = addresses.join(base, name)
    assert addresses.options(joined) == addresses.options(base)
    assert addresses.plain(joined) == f"{addresses.plain(base)}/{name}"


@pytest.mark.parametrize("path", ["/photos?endpoint=x", "file:///photos?region=x", "a?b"])
def test_a_path_has_no_options(path):
    assert addresses.plain(path) == path
    assert addresses.options(path) == {}
    assert addresses.reached_by(path, ["--s3_region_name=x"]) == path


def test_beams_options_apply_unless_the_address_sets_them():
    args = ["--runner=X", "--s3_endpoint_url=http://a:1", "--s3_region_name", "eu-west-1"]
    reached = addresses.reached_by("s3://shop/photos", args)
    assert addresses.options(reached) == {"endpoint": "http://a:1", "region": "eu-west-1"}
    own = addresses.reached_by(f"s3://shop/photos{MINIO}", args)
    assert addresses.options(own) == {"endpoint": "http://minio:9000", "region": "eu-west-1"}
    assert addresses.reached_by("s3://shop/photos", ["--workers=2"]) == "s3://shop/photos"
    assert addresses.reached_by("gs://shop/photos", args) == "gs://shop/photos"


def test_an_unknown_option_is_named():
    with pytest.raises(SettingsError, match="unknown option 'endpont' .*endpoint, region, verify"):
        addresses.check_options("s3://shop/photos?endpont=http://minio:9000")
    for fine in (f"s3://shop/photos{MINIO}", "s3://shop/what?", "/photos?a=b"):
        assert addresses.check_options(fine) == fine


PATHS = (
    "/a%20b",
    "/a%2Fb",
    "/a%25b",
    "/a#b",
    "/a?b",
    "/a b",
    "/Büro",
    "/a+b&c",
    "/a:b@c",
    "/-a\nb",
)


@pytest.mark.parametrize("path", PATHS)
def test_the_url_of_a_database_is_that_of_its_path(tmp_path, path):
    file = f"{tmp_path}{path}"
    url = addresses.sqlite_url(file)
    assert addresses.sqlite_path(url) == file
    assert sqlalchemy.make_url(url).database == file
    with sqlalchemy.create_engine(url).connect() as connection:
        connection.exec_driver_sql("CREATE TABLE here (it INTEGER)")
    assert [str(each) for each in tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("url", ["postgresql://user@host/name", "sqlite://", "/a/path"])
def test_other_urls_name_no_database_file(url):
    assert addresses.sqlite_path(url) is None


def test_options_of_a_database_are_not_part_of_its_path():
    assert addresses.sqlite_path("sqlite:////a%3Fb/c.db?mode=ro") == "/a?b/c.db"
