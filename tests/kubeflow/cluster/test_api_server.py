"""The API server of the tests is Kubernetes's own, and as strict."""

from api_server import ApiServer


def test_it_is_the_release_that_the_module_names(server: ApiServer):
    assert server.request("GET", "/version")["gitVersion"].startswith("v1.36.")
