"""What a reader must know before trusting a run: signatures of a file that nobody tested."""

from harness.report.summary import warnings
from harness.store.record import LoadedFiles, ModelSummary


def model(name, signature, *untested, file="net.tflite", digest="a"):
    return ModelSummary(
        name=name,
        summary=name,
        task="regression",
        source="a ready TFLite file",
        loaded=LoadedFiles(files={file: digest}, inputs=("x",)),
        signature=signature,
        untested_signatures=untested,
    )


def said(record, *models):
    found = warnings(record.model_copy(update={"models": models}))
    return [sentence for sentence in found if "signature" in sentence]


def test_signatures_that_no_model_names_are_said(record):
    (sentence,) = said(record, model("net", "decode", "encode", "train"))
    assert sentence.startswith("Of net the signature 'decode' was tested, and not encode, train: name each with")


def test_signatures_that_another_model_of_the_same_file_names_are_not(record):
    assert said(record, model("one", "decode", "encode"), model("other", "encode", "decode")) == []


def test_the_same_name_in_another_file_is_another_signature(record):
    assert len(said(record, model("one", "decode", "encode"), model("other", "encode", "decode", digest="b"))) == 2
