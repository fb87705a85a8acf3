"""Every failure code has a test that raises it, words in every language and an entry in the manual."""

from __future__ import annotations

import ast
import tomllib

import pytest

from kiosk.reception.failure import FailureCode, text_key
from tests.architecture.project import ROOT

_EXECUTOR = "tests/unit/runtime/test_executor.py::test_every_fault_has_its_failure"
_SCANNING = "tests/flows/test_scanning.py"
_SCANS = "tests/unit/runtime/test_executor.py::test_a_scan_that_fails"
_READER = "tests/contract/reader/test_reader_contract.py"
_FAULTS = "tests/contract/reader/test_reader_faults.py"
_V4L2 = "tests/contract/camera/test_v4l2.py"
_FACE = "tests/contract/face/test_faults.py"
_PCSC = "tests/unit/card/test_pcsc.py"
_EVIDENCE = "tests/contract/gateway/test_evidence.py"
_GATEWAY = "tests/contract/gateway/test_faults.py"
_FOLDER = "tests/contract/folder/test_faults.py"
_PERSONAS = "tests/unit/cli/test_demo.py::test_every_ending_of_every_persona"

# Where each code comes from: the part that finds the trouble, and what the executor makes of it.
RAISED: dict[FailureCode, tuple[str, ...]] = {
    FailureCode.CARD_UNREADABLE: (f"{_READER}::test_card_that_does_not_answer", _EXECUTOR),
    FailureCode.NOT_THIS_CARD: (f"{_READER}::test_driving_licence_is_not_supported", _EXECUTOR),
    FailureCode.CARD_BUSY: (f"{_FAULTS}::test_card_held_by_another_program", _EXECUTOR),
    FailureCode.CARD_CHANGED: (
        "tests/flows/test_trouble.py::test_evidence_of_another_connection_is_not_used",
        _EXECUTOR,
    ),
    FailureCode.PRACTICE_ONLY: (f"{_READER}::test_card_of_another_issuer_gives_nothing", _EXECUTOR),
    FailureCode.CARD_PROTOCOL: (f"{_FAULTS}::test_nonsense_at_every_exchange_ends_in_one_typed_answer", _EXECUTOR),
    FailureCode.CERTIFICATE_UNREADABLE: (
        "tests/unit/card/test_channel_to_card.py::test_damaged_certificate",
        _EXECUTOR,
    ),
    FailureCode.PHONE_ON_READER: (f"{_READER}::test_phone_is_told_by_its_label_and_nothing_else_is_read", _EXECUTOR),
    FailureCode.CARD_RESET: (f"{_FAULTS}::test_a_reset_after_verify_is_told_and_not_repeated", _EXECUTOR),
    FailureCode.READER_HUNG: (f"{_FAULTS}::test_card_that_hangs_costs_the_process_and_nothing_else", _EXECUTOR),
    FailureCode.READER_DENIED: (f"{_PCSC}::test_a_user_who_may_not_use_pcsc", _EXECUTOR),
    FailureCode.READER_VIRTUAL: (f"{_PCSC}::test_a_virtual_reader_is_refused_in_production", _EXECUTOR),
    FailureCode.SEVERAL_CARDS: (f"{_PCSC}::test_cards_on_two_readers_are_asked_about", _EXECUTOR),
    FailureCode.READER_MISSING: ("tests/e2e/test_trouble.py::test_no_reader_is_out_of_service_until_it_comes",),
    FailureCode.READER_SERVICE_DOWN: (f"{_FAULTS}::test_reader_and_service_that_go_and_come", _EXECUTOR),
    FailureCode.CARD_WORKER_LOST: (
        "tests/e2e/test_trouble.py::test_a_card_process_that_dies_lets_the_same_card_go_on",
    ),
    FailureCode.PIN_BLOCKED: (f"{_READER}::test_blocked_pin_is_not_sent", _EXECUTOR),
    FailureCode.NUMBER_GUARDED: (f"{_READER}::test_number_is_guarded", _EXECUTOR),
    FailureCode.SCAN_UNREADABLE: (f"{_SCANNING}::test_a_card_that_cannot_be_read_is_typed_and_one_is_told_why", _SCANS),
    FailureCode.SCANNER_LOST: (f"{_SCANNING}::test_a_broken_scanner_costs_typing_and_tells_the_counter_once", _SCANS),
    FailureCode.SCANNER_WORKER_LOST: (
        f"{_SCANNING}::test_a_broken_scanner_costs_typing_and_tells_the_counter_once",
        _SCANS,
    ),
    FailureCode.PHOTO_INVALID: ("tests/unit/runtime/test_executor.py::test_a_damaged_photo_is_no_photo", _PERSONAS),
    FailureCode.FACE_NOT_MATCHED: (_PERSONAS,),
    FailureCode.CAMERA_LOST: ("tests/e2e/test_trouble.py::test_a_camera_that_goes_offers_the_other_ways",),
    FailureCode.FACE_WORKER_LOST: (
        "tests/e2e/test_trouble.py::test_a_face_process_that_dies_costs_an_attempt_not_the_kiosk",
    ),
    FailureCode.CAMERA_BUSY: (f"{_V4L2}::test_what_keeps_a_camera_from_being_used", _EXECUTOR),
    FailureCode.CAMERA_DENIED: (f"{_V4L2}::test_what_keeps_a_camera_from_being_used", _EXECUTOR),
    FailureCode.CAMERA_VIRTUAL: (f"{_V4L2}::test_virtual_cameras_are_refused_in_production_only", _EXECUTOR),
    FailureCode.CAMERA_COVERED: ("tests/contract/camera/test_camera.py::test_a_fault_is_noticed_and_ends", _EXECUTOR),
    FailureCode.CAMERA_UNFIT: (
        "tests/unit/face/test_stream.py::test_pictures_of_another_size_are_taken_if_they_are_of_use",
        _EXECUTOR,
    ),
    FailureCode.FACE_MODEL_MISSING: (f"{_FACE}::test_damaged_numbers_fail_every_attempt_by_name", _EXECUTOR),
    FailureCode.FACE_OUT_OF_MEMORY: (f"{_FACE}::test_a_process_without_memory_says_so_and_ends", _EXECUTOR),
    FailureCode.PRESENCE_NOT_SHOWN: (
        "tests/contract/face/test_attacks.py::test_a_picture_that_is_turned_ends_the_face_check",
        "tests/unit/runtime/test_executor.py::test_face_answers_and_the_process_is_replaced_after_the_wipe",
    ),
    FailureCode.GATEWAY_DOWN: (f"{_GATEWAY}::test_nobody_listens",),
    FailureCode.GATEWAY_ERROR: (f"{_GATEWAY}::test_a_fault_has_its_failure_and_costs_nothing",),
    FailureCode.GATEWAY_NONSENSE: (f"{_GATEWAY}::test_an_answer_to_another_question",),
    FailureCode.EVIDENCE_INSUFFICIENT: (f"{_EVIDENCE}::test_an_unanchored_photo_alone_does_not_do",),
    FailureCode.CERTIFICATE_EXPIRED: (f"{_EVIDENCE}::test_certificates_that_do_not_do", _PERSONAS),
    FailureCode.CERTIFICATE_REVOKED: (f"{_EVIDENCE}::test_certificates_that_do_not_do", _PERSONAS),
    FailureCode.CERTIFICATE_UNKNOWN: (f"{_EVIDENCE}::test_certificates_that_do_not_do", _PERSONAS),
    FailureCode.SIGNATURE_REFUSED: (f"{_EVIDENCE}::test_the_signature_of_another_key_is_refused",),
    FailureCode.QUALIFICATION_INVALID: (
        "tests/flows/test_visits.py::test_who_is_not_insured_goes_to_the_counter_and_the_file_says_why",
        _PERSONAS,
    ),
    FailureCode.QUALIFICATION_REPLACED: (
        "tests/flows/test_by_number.py::test_a_qualification_that_is_over_is_in_the_file",
        _PERSONAS,
    ),
    FailureCode.QUALIFICATION_NONE: (
        "tests/flows/test_by_number.py::test_nobody_of_this_number_makes_no_file",
        _PERSONAS,
    ),
    FailureCode.QUALIFICATION_SEVERAL: (
        "tests/flows/test_by_number.py::test_nobody_of_this_number_makes_no_file",
        _PERSONAS,
    ),
    FailureCode.GATEWAY_UNTRUSTED: (f"{_GATEWAY}::test_a_server_whose_certificate_has_ended_is_not_spoken_to",),
    FailureCode.REGISTRATION_NOT_BY_STAFF: (
        "tests/contract/gateway/test_consent.py::test_a_check_by_eye_registers_nobody",
        "tests/flows/test_visits.py::test_a_check_by_eye_registers_nobody",
    ),
    FailureCode.FOLDER_DOWN: (f"{_FOLDER}::test_a_share_that_is_gone",),
    FailureCode.FOLDER_TIMEOUT: (f"{_FOLDER}::test_every_fault_of_the_other_side",),
    FailureCode.FOLDER_NONSENSE: (f"{_FOLDER}::test_an_answer_that_was_changed",),
    FailureCode.POSTPONE_FAILED: ("tests/e2e/test_downtime.py::test_a_disk_that_is_full_is_told_at_once",),
    FailureCode.HANDOFF_FOREIGN: (
        "tests/e2e/test_fault_matrix.py::test_a_foreign_folder_stops_before_anything_is_sent",
    ),
    FailureCode.HANDOFF_BROKEN: ("tests/unit/handoff/test_desk.py::test_failures_in_the_domains_words",),
    FailureCode.STEP_TIMEOUT: ("tests/flows/test_by_number.py::test_steps_that_take_too_long",),
    FailureCode.CLOSED_BY_STAFF: (
        "tests/e2e/test_trouble.py::test_maintenance_tests_the_devices_and_closes_the_kiosk_across_a_restart",
    ),
}


def test_every_code_has_a_row() -> None:
    assert set(RAISED) == set(FailureCode)


@pytest.mark.parametrize("code", FailureCode)
def test_the_tests_that_are_named_exist(code: FailureCode) -> None:
    for test in RAISED[code]:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, test


@pytest.mark.parametrize("code", FailureCode)
def test_every_code_has_its_words_in_every_language_and_its_manual_entry(code: FailureCode) -> None:
    manual = (ROOT / "docs" / "failures.md").read_text(encoding="utf-8")
    entry = manual.partition(f"### {code.value}\n")[2].partition("\n### ")[0]
    catalogues = sorted((ROOT / "assets" / "i18n").glob("*.toml"))
    assert {"ja", "en"} <= {file.stem for file in catalogues}
    for file in catalogues:
        words = tomllib.loads(file.read_text(encoding="utf-8"))["failure"][text_key(code).partition(".")[2]]
        for part in ("what", "do", "other", "staff"):
            assert words[part].strip(), (file.stem, part)
            if file.stem in ("ja", "en"):
                assert words[part] in entry, (file.stem, part)
