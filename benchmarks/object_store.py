"""What reading photos from S3 costs, against Beam's own file system.

    python benchmarks/object_store.py [--objects 200] [--size 20000]

An S3 server on loopback, in a process of its own, holds the objects; each is read by
`store.read`, which makes one client, and by Beam, which makes one for each file. CPU seconds
are this process's alone. A real store adds its own time to both.
"""

import argparse
import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

BUCKET = "photos"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--size", type=int, default=20_000, help="bytes of each")
    arguments = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=[theirs], daemon=True)
    server.start()
    endpoint = ours.recv()

    import boto3

    from customer_age.files import folders, store

    options = (f"--s3_endpoint_url={endpoint}", "--s3_region_name=us-east-1")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    for number in range(arguments.objects):
        client.put_object(Bucket=BUCKET, Key=f"{number}.jpg", Body=os.urandom(arguments.size))
    folders.reach(f"s3://{BUCKET}", options)
    addresses = [f"s3://{BUCKET}/{number}.jpg" for number in range(arguments.objects)]
    print("| way | ms an object | CPU ms an object |")
    print("| --- | --: | --: |")
    walls = []
    for name, read in (("store.read", store.read), ("Beam's file system", _by_beam)):
        wall, cpu = _seconds(read, addresses)
        walls.append(wall)
        print(f"| {name} | {1000 * wall:.1f} | {1000 * cpu:.1f} |", flush=True)
    print(f"{walls[1] / walls[0]:.0f} times as fast")
    server.terminate()


def _seconds(read: Callable[[str], bytes], addresses: list[str]) -> tuple[float, float]:
    """Seconds on the clock and of the processor, for each object."""
    read(addresses[0])
    started, started_cpu = time.monotonic(), time.process_time()
    for address in addresses:
        read(address)
    wall, cpu = time.monotonic() - started, time.process_time() - started_cpu
    return wall / len(addresses), cpu / len(addresses)


def _by_beam(address: str) -> bytes:
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    with FileSystems.open(address, compression_type=CompressionTypes.UNCOMPRESSED) as file:
        return file.read()


def _serve(parent: Connection) -> None:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    parent.send("http://{}:{}".format(*server.get_host_and_port()))
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
