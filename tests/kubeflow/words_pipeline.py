"""A pipeline of three small tasks for the stand-ins of the back ends, as a dictionary to change."""

import textwrap

READ_INPUT = """
    import json, os, pathlib, sys
    root = pathlib.Path(os.environ["CUSTOMER_AGE_LAUNCHER_ROOT"])
    given = json.loads(sys.argv[1])
    inputs, outputs = given["inputs"], given["outputs"]
    def place(path):
        return root / path.replace("://", "/").replace("gs/", "gcs/", 1).lstrip("/")
    def local(artifact):
        return place(artifact["uri"])
"""
MAKE = """
    [made] = outputs["artifacts"]["made"]["artifacts"]
    local(made).mkdir(parents=True)
    (local(made) / "words.txt").write_text(inputs["parameterValues"]["words"])
    made["metadata"] = {"count": 3, "names": ["a"], "good": True}
    output = place(outputs["outputFile"])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps({"artifacts": {"made": {"artifacts": [made]}}}))
"""
TAKE = """
    [made] = inputs["artifacts"]["made"]["artifacts"]
    print("taken:", (local(made) / "words.txt").read_text())
    print(os.environ.get("TOKEN"), len(sys.argv))
    parameter = place(outputs["parameters"]["length"]["outputFile"])
    parameter.write_text(str(len((local(made) / "words.txt").read_text())))
"""
TRY_TWICE = """
    [made] = outputs["artifacts"]["made"]["artifacts"]
    if not local(made).exists():
        local(made).mkdir(parents=True)
        sys.exit("this is the first attempt")
    (local(made) / "words.txt").write_text("again")
"""
"""Succeeds only where it finds what an earlier attempt wrote."""
TITLE = {"instanceSchema": "title: test.Words\ntype: object\n"}


def container(code):
    program = textwrap.dedent(READ_INPUT) + textwrap.dedent(code)
    return {"container": {"image": "img", "command": ["python", "-c", program], "args": ["{{$}}"]}}


def pipeline():
    """An importer, a maker and a taker, as a dictionary to be changed."""
    return {
        "pipelineInfo": {"name": "words"},
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.13.0",
        "defaultPipelineRoot": "minio://nobody/reads/this",
        "deploymentSpec": {
            "executors": {
                "import": {
                    "importer": {
                        "artifactUri": {"constant": "minio://mlpipeline/data/words"},
                        "typeSchema": TITLE,
                        "metadata": {"fingerprint": "f1"},
                    }
                },
                "make": container(MAKE),
                "take": container(TAKE),
            }
        },
        "components": {
            "import": {
                "executorLabel": "import",
                "outputDefinitions": {"artifacts": {"result": {"artifactType": TITLE}}},
            },
            "make": {
                "executorLabel": "make",
                "inputDefinitions": {
                    "artifacts": {"data": {"artifactType": TITLE}},
                    "parameters": {
                        "words": {"parameterType": "STRING"},
                        "times": {
                            "parameterType": "NUMBER_INTEGER",
                            "defaultValue": 1,
                            "isOptional": True,
                        },
                    },
                },
                "outputDefinitions": {"artifacts": {"made": {"artifactType": TITLE}}},
            },
            "take": {
                "executorLabel": "take",
                "inputDefinitions": {"artifacts": {"made": {"artifactType": TITLE}}},
                "outputDefinitions": {"parameters": {"length": {"parameterType": "STRING"}}},
            },
        },
        "root": {
            "inputDefinitions": {
                "parameters": {"words": {"parameterType": "STRING", "defaultValue": "hello"}}
            },
            "dag": {
                "tasks": {
                    "Import": {"taskInfo": {"name": "Import"}, "componentRef": {"name": "import"}},
                    "Make": {
                        "taskInfo": {"name": "Make"},
                        "componentRef": {"name": "make"},
                        "cachingOptions": {"enableCache": True},
                        "inputs": {
                            "parameters": {"words": {"componentInputParameter": "words"}},
                            "artifacts": {
                                "data": {
                                    "taskOutputArtifact": {
                                        "producerTask": "Import",
                                        "outputArtifactKey": "result",
                                    }
                                }
                            },
                        },
                    },
                    "Take": {
                        "taskInfo": {"name": "Take"},
                        "componentRef": {"name": "take"},
                        "cachingOptions": {"enableCache": True},
                        "inputs": {
                            "artifacts": {
                                "made": {
                                    "taskOutputArtifact": {
                                        "producerTask": "Make",
                                        "outputArtifactKey": "made",
                                    }
                                }
                            }
                        },
                    },
                }
            },
        },
    }


def platform(**config):
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"take": config}}}}}


def put(path, value):
    *sections, key = path.split("/")

    def change(spec):
        for section in sections:
            spec = spec[section]
        spec[key] = value

    return change
