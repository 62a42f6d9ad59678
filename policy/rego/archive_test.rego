package waxseal.archive_test

import data.waxseal.archive

text := {
	"kind": "text", "channel": "user", "direction": "in", "provenance": "live", "number": "1", "day": "2026-11-24",
	"marketing": "never", "window": "open", "messaged": "yes",
}

decide(changes) := d if {
	d := archive.decision with input as object.union(text, changes)
}

test_communication if {
	decide({}) == {
		"class": "communication", "duty": "2031-12-01", "retain": "2033-12-01",
		"scope": "business", "labels": set(), "findings": set(),
	}
}

test_class_by_kind if {
	every kind, class in {
		"status": "status", "consent": "consent", "preference": "consent", "template_snapshot": "template",
		"directory": "directory", "account": "account", "unparsed": "unknown",
	} {
		decide({"kind": kind}).class == class
	}
}

test_every_class_of_a_kind_is_known if {
	every class in data.waxseal.kinds {
		data.waxseal.classes[class]
	}
}

test_a_kind_never_heard_of_is_kept_like_a_message if {
	d := decide({"kind": "hologram"})
	d.class == "unknown"
	d.duty == "2031-12-01"
}

test_contact_of_somebody_never_messaged if {
	d := decide({"kind": "contact_sync", "messaged": "no"})
	d.class == "contact-unmessaged"
	d.retain == "2026-12-25"
	not d.duty
}

test_contact_of_a_customer if {
	decide({"kind": "contact_sync", "messaged": "yes"}).class == "contact"
}

test_contact_in_a_state_that_does_not_know if {
	d := decide({"kind": "contact_sync", "messaged": "unknown"})
	d.class == "contact"
	d.duty == "2031-12-01"
}

test_message_of_somebody_never_messaged if {
	decide({"messaged": "no"}).class == "communication"
}

test_item_without_a_number if {
	d := archive.decision with input as object.remove(text, ["number"])
	d.retain == "2033-12-01"
}

test_unregulated_number if {
	d := archive.decision with input as text
		with data.waxseal.numbers as {"1": {"profile": "unregulated"}}
	d.retain == "2027-12-01"
	not d.duty
}

test_number_s_own_period if {
	d := archive.decision with input as text
		with data.waxseal.numbers as {"1": {"classes": {"communication": {"duty": "1m", "retain": "100d"}}}}
	d.duty == "2026-12-25"
	d.retain == "2027-04-01"
}

test_number_s_own_period_is_for_its_class_alone if {
	d := archive.decision with input as object.union(text, {"kind": "status"})
		with data.waxseal.numbers as {"1": {"classes": {"communication": {"duty": "none", "retain": "100d"}}}}
	d.retain == "2033-12-01"
}

test_department_of_the_number if {
	d := archive.decision with input as text with data.waxseal.numbers as {"1": {"department": "sales"}}
	d.labels == {"department:sales"}
}

test_department_of_the_custodian_comes_first if {
	d := archive.decision with input as object.union(text, {"department": "loans"})
		with data.waxseal.numbers as {"1": {"department": "sales"}}
	d.labels == {"department:loans"}
}

test_empty_department_is_none if {
	decide({"department": ""}).labels == set()
}
