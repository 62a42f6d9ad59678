# METADATA
# title: What is kept, and for how long
# description: |
#   The decision for one item: its class, the duty to keep it and its retention.
#   Periods are data, so that a firm changes them without touching a rule.
package waxseal.archive

import data.waxseal.findings
import data.waxseal.period

# METADATA
# entrypoint: true
decision := object.union(
	{
		"class": class,
		"retain": period.until(input.day, periods.retain),
		"scope": "business",
		"labels": labels,
		"findings": findings.all,
	},
	duty,
)

duty := {} if {
	periods.duty == "none"
} else := {"duty": period.until(input.day, periods.duty)}

# An address book holds people who never wrote to the firm. Only a state that is
# complete says "no"; "unknown" keeps the contact as long as any other.
class := "contact-unmessaged" if {
	kind_class == "contact"
	input.messaged == "no"
} else := kind_class

# A kind this policy has not heard of may be a message: unknown is kept like one.
default kind_class := "unknown"

kind_class := data.waxseal.kinds[input.kind]

# What the configuration says of the business number, {} where it says nothing.
default number := {}

number := data.waxseal.numbers[input.number]

profile := data.waxseal.profiles[object.get(number, "profile", data.waxseal.default_profile)]

# The closest word wins: the number's, the profile's, the profile's for the rest.
periods := keep if {
	keep := number.classes[class]
} else := keep if {
	keep := profile[class]
} else := profile["*"]

labels contains sprintf("department:%s", [department]) if {
	department != ""
}

# Who answered on the number then, else whose number it is.
default department := ""

department := input.department if {
	input.department != ""
} else := number.department
