"""Measure the time to read photos from S3, and compare it with boto3 and Beam's file system.

    python benchmarks/object_store.py [--objects 200] [--size 20000]

An S3 server on loopback, in a separate process, contains the objects. Each object is read by
`store.read`, by boto3 with one client for all objects, and by Beam, which makes a client for each
file. The first two take turns, so that other load on the machine affects both equally. The table
shows medians. CPU seconds are those of this process only. The server, like a real store, adds the
same time to all.
"""

import argparse
import logging
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

BUCKET = "photos"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--size", type=int, default=20_000, help="bytes of each object")
    arguments = parser.parse_args()
    os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=[theirs], daemon=True)
    server.start()
    endpoint = ours.recv()

    import boto3
    from apache_beam.io.filesystems import FileSystems
    from apache_beam.options.pipeline_options import PipelineOptions

    from customer_age.files import store

    options = (f"--s3_endpoint_url={endpoint}", "--s3_region_name=us-east-1")
    FileSystems.set_options(PipelineOptions(list(options)))
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    for number in range(arguments.objects):
        client.put_object(Bucket=BUCKET, Key=f"{number}.jpg", Body=os.urandom(arguments.size))

    def by_boto3(name: str) -> bytes:
        return client.get_object(Bucket=BUCKET, Key=name)["Body"].read()

    ways: dict[str, Callable[[str], bytes]] = {
        "store.read": lambda name: store.read(f"s3://{BUCKET}/{name}?endpoint={endpoint}"),
        "boto3, one client": by_boto3,
        "Beam's file system": lambda name: _by_beam(f"s3://{BUCKET}/{name}"),
    }
    walls: dict[str, list[float]] = {way: [] for way in ways}
    cpus: dict[str, float] = dict.fromkeys(ways, 0.0)
    *turns, last = ways
    for together in (turns, [last]):
        for way in together:
            ways[way]("0.jpg")
        for number in range(arguments.objects):
            for way in together:
                started, started_cpu = time.perf_counter(), time.process_time()
                ways[way](f"{number}.jpg")
                walls[way].append(time.perf_counter() - started)
                cpus[way] += time.process_time() - started_cpu
    print("| way | ms an object | CPU ms an object | times store.read's |")
    print("| --- | --: | --: | --: |")
    medians = {way: statistics.median(walls[way]) for way in ways}
    for way, median in medians.items():
        cpu = cpus[way] / arguments.objects
        ratio = median / medians["store.read"]
        print(f"| {way} | {1000 * median:.1f} | {1000 * cpu:.1f} | {ratio:.1f} |")
    server.terminate()


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
