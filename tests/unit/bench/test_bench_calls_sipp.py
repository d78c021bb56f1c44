"""What SIPp says of a run, read from its files."""

from bench.calls_sipp import Said, read

STATISTICS = "StartTime;TotalCallCreated;FailedCall(P);FailedCall(C);Retransmissions(C);\n0;0;0;0;0;\n9;60;1;2;3;\n"
TIMES = "Date_ms;response_time_ms;rtd_no\n1.0;4.0;1\n2.0;8.5;1\n"


def test_the_last_line_of_the_statistics_counts() -> None:
    assert read(STATISTICS, TIMES) == Said(made=60, failed=2, ringing=[0.004, 0.0085])
