"""Describe a SavedModel as an MLflow model, for its upload."""

from pathlib import Path

SAVED_MODEL = "saved_model"
"""The name of the SavedModel's folder in the MLflow model."""


def write_description(folder: Path, run_id: str) -> None:
    """Write the file `MLmodel`, with which MLflow's own tools can use a SavedModel.

    With it, MLflow's pages show the inputs and outputs, and `mlflow.tensorflow.load_model`,
    `mlflow.pyfunc.load_model` and `mlflow models serve` need no code of ours.

    Args:
        folder: the folder to write to; the SavedModel must be in its sub-folder `SAVED_MODEL`.
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
