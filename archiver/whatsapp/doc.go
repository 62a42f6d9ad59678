// Package whatsapp understands what comes out of Kafka: Meta's webhook bodies,
// the envelopes others put around them, and the five inputs of our own
// (INPUTS.md). It says what items a record holds, who they are about, and which
// bytes belong to whom. It copies and changes nothing: all answers are byte
// ranges of the record's value.
//
// Nothing is refused. A body that is not JSON beyond dispute is one Unparsed
// item; what is JSON but nothing we know is an Unknown item in the place where
// it stands, and its neighbours are read all the same. Why is said in Reason,
// which holds no word of the record.
//
// # Numbers
//
// Items are numbered from 0 in the order in which they begin in the value. An
// item begins with its JSON element (a message, a status, a history chunk's
// metadata); one that is about a whole change (a template's new status, a field
// nobody documented) begins with the change.
//
// # Regions
//
// A region is one JSON object, element of an array (for our own inputs: the
// whole body or an element of the body), with all its items, that belongs to
// one person. Regions are disjoint and in order; the rest is the envelope. When
// a person is erased, each of their regions is gone; Blank puts an empty object
// and spaces in its place, and Parse, told of the holes, gives every other item
// with the number and content it always had.
//
// For this to hold, nothing said of an item may come from another person's
// region. Identities are joined where any region names two of them together
// (wa_id, BSUID, parent BSUID, username, within one business number); whatever
// is joined is one Person and is erased together.
//
// An item about no outside person has no region, and neither has one inside
// base64 together with other people's (see cloudevents.go): it stays in the
// envelope.
package whatsapp
