package waxseal.findings_test

import data.waxseal.findings

send := {
	"kind": "template", "channel": "api", "direction": "out", "provenance": "live", "number": "1", "day": "2026-11-24",
	"marketing": "given", "window": "open", "messaged": "yes", "template": "APPROVED", "category": "MARKETING",
}

rules(changes) := {[f.rule, f.severity] | some f in findings.all with input as object.union(send, changes)}

test_approved_and_wanted if {
	rules({}) == set()
}

test_states_that_may_not_be_sent if {
	every state in ["PAUSED", "REJECTED", "DISABLED", "PENDING", "DELETED", "ARCHIVED", "IN_APPEAL"] {
		rules({"template": state}) == {["template-not-approved", "high"]}
	}
}

test_the_state_stands_in_the_reason if {
	some f in findings.all with input as object.union(send, {"template": "PAUSED"})
	contains(f.reason, "PAUSED")
}

test_states_that_may if {
	every state in ["APPROVED", "REINSTATED", "FLAGGED"] {
		rules({"template": state}) == set()
	}
}

test_state_unknown if {
	every state in ["unknown", "UNARCHIVED", ""] {
		rules({"template": state}) == {["template-state-unknown", "low"]}
	}
	{f.rule | some f in findings.all with input as object.remove(send, ["template"])} == {"template-state-unknown"}
}

test_marketing_after_withdrawal if {
	rules({"marketing": "withdrawn"}) == {["marketing-after-withdrawal", "high"]}
}

test_marketing_after_withdrawal_outside_the_window if {
	rules({"marketing": "withdrawn", "window": "closed"}) == {["marketing-after-withdrawal", "high"]}
}

test_unknown_or_never_is_no_withdrawal if {
	every state in ["never", "unknown", "given"] {
		rules({"marketing": state}) == set()
	}
}

test_utility_after_withdrawal if {
	rules({"marketing": "withdrawn", "category": "UTILITY"}) == set()
}

test_category_unknown_after_withdrawal if {
	every category in ["unknown", ""] {
		rules({"marketing": "withdrawn", "category": category}) == {["marketing-category-unknown", "low"]}
	}
	without := object.union(object.remove(send, ["category"]), {"marketing": "withdrawn"})
	{f.rule | some f in findings.all with input as without} == {"marketing-category-unknown"}
}

# A customer who withdrew asks; the firm answers.
test_reply_within_the_window if {
	reply := {
		"kind": "text", "channel": "app", "direction": "out", "provenance": "live", "day": "2026-11-24",
		"marketing": "withdrawn", "window": "open", "messaged": "yes",
	}
	{f.rule | some f in findings.all with input as reply} == set()
}

test_nothing_of_the_past_is_judged if {
	rules({"provenance": "backfill", "marketing": "withdrawn", "template": "PAUSED"}) == set()
}

test_both_findings if {
	rules({"marketing": "withdrawn", "template": "PAUSED"}) == {["marketing-after-withdrawal", "high"], ["template-not-approved", "high"]}
}

test_what_customers_send_is_judged_by_nobody if {
	rules({"direction": "in", "marketing": "withdrawn", "template": "PAUSED"}) == set()
}
