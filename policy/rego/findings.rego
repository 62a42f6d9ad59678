# METADATA
# title: What a reviewer should look at
# description: |
#   A finding is an observation; a violation is only what a person concludes. What
#   the history sync brings is judged by nobody: the firm could not know then.
package waxseal.findings

all contains finding if {
	live
	some finding in observed
}

live if input.provenance != "backfill"

# A Cloud API send of a template. The app cannot send templates.
template_send if {
	input.kind == "template"
	input.direction == "out"
}

observed contains {
	"rule": "template-not-approved",
	"severity": "high",
	"reason": sprintf("the template stood at %s when it was sent; only an approved one may be", [input.template]),
} if {
	template_send
	input.template != ""
	not input.template in data.waxseal.templates.sendable
	not input.template in data.waxseal.templates.undecided
}

observed contains {
	"rule": "template-state-unknown",
	"severity": "low",
	"reason": "nothing archived before the send tells whether the template was approved",
} if {
	template_send
	undecided
}

undecided if input.template in data.waxseal.templates.undecided

undecided if object.get(input, "template", "") == ""

# An answer to a customer's question is no marketing, window or not; a marketing
# template is, also while the window is open.
observed contains {
	"rule": "marketing-after-withdrawal",
	"severity": "high",
	"reason": "a marketing message was sent after the person withdrew from marketing",
} if {
	input.direction == "out"
	input.category == "MARKETING"
	input.marketing == "withdrawn"
}

observed contains {
	"rule": "marketing-category-unknown",
	"severity": "low",
	"reason": "a template of unknown category was sent after the person withdrew from marketing",
} if {
	template_send
	object.get(input, "category", "unknown") in {"unknown", ""}
	input.marketing == "withdrawn"
}
