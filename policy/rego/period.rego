# METADATA
# title: Dates
# description: |
#   A period is a number and a unit: 30d, 18m, 7y. It counts from the end of the
#   item's day, so that the last message of a day is kept as long as the first,
#   and ends at a grain: a day for periods under 90 days, else the first of a month.
package waxseal.period

# METADATA
# description: The date at whose start (UTC) the period behind the day is over, rounded up to its grain.
until(day, p) := date(end(day, p)) if {
	short(p)
}

until(day, p) := date(month(end(day, p))) if {
	not short(p)
}

end(day, p) := time.add_date(following(day), years(p), months(p), days(p))

following(day) := time.add_date(time.parse_ns("2006-01-02", day), 0, 0, 1)

# "7y" is 7.
number(p) := to_number(substring(p, 0, count(p) - 1))

default years(_) := 0

years(p) := number(p) if endswith(p, "y")

default months(_) := 0

months(p) := number(p) if endswith(p, "m")

default days(_) := 0

days(p) := number(p) if endswith(p, "d")

short(p) if {
	endswith(p, "d")
	number(p) < 90
}

# Two months are at most 62 days, three at least 89.
short(p) if {
	endswith(p, "m")
	number(p) < 3
}

# The first of the month at or after ns.
month(ns) := ns if {
	time.date(ns)[2] == 1
}

month(ns) := time.add_date(ns, 0, 1, 1 - day) if {
	day := time.date(ns)[2]
	day > 1
}

date(ns) := substring(time.format(ns), 0, 10)
