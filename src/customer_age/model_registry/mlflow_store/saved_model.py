"""A SavedModel as an MLflow model: the folder that goes up."""

from pathlib import Path

SAVED_MODEL = "saved_model"
"""The folder of the SavedModel in it."""


def write_description(folder: Path, run_id: str) -> None:
    """Write the file `MLmodel`, which makes a SavedModel one that MLflow's own tools can use.

    With it, MLflow's pages show what goes in and comes out, and `mlflow.tensorflow.load_model`,
    `mlflow.pyfunc.load_model` and `mlflow models serve` need no code of ours.

    Args:
        folder: to write to; the SavedModel belongs into `SAVED_MODEL` beside it.
        run_id: of the MLflow run that holds the model.
    """
    import mlflow.pyfunc
    from mlflow.models import Model
    from mlflow.models.signature import ModelSignature
    from mlflow.types import ColSpec, Schema

    model = Model(
        run_id=run_id,
        signature=ModelSignature(
            inputs=Schema([ColSpec("binary", "image_bytes")]),
            outputs=Schema([ColSpec("float", "age"), ColSpec("string", "reason")]),
        ),
    )
    model.add_flavor(
        "tensorflow",
        saved_model_dir=SAVED_MODEL,
        meta_graph_tags=["serve"],
        signature_def_key="serving_default",
    )
    mlflow.pyfunc.add_to_model(model, loader_module="mlflow.tensorflow")
    model.save(str(folder / "MLmodel"))
