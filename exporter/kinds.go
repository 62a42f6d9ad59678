package exporter

import (
	"github.com/waxseal/waxseal/archiver/index"
	"github.com/waxseal/waxseal/archiver/record"
)

// talks says that an item of a kind stands in a conversation, where it has one.
// Everything else is an event.
func talks(k record.Kind) bool {
	switch k {
	case record.Text, record.Image, record.Video, record.Audio, record.Document, record.Sticker, record.Location, record.Contacts,
		record.Interactive, record.Button, record.Order, record.Template, record.RequestWelcome, record.MediaPlaceholder,
		record.Unsupported, record.System, record.Call, record.Handover, record.Unknown:
		return true
	}
	return annotates(k)
}

// annotates says that an item of a kind is about a message and none itself.
func annotates(k record.Kind) bool {
	switch k {
	case record.Edit, record.Revoke, record.Reaction, record.Status, record.CallStatus, record.Send:
		return true
	}
	return false
}

func talkKinds() []record.Kind {
	var out []record.Kind
	for _, k := range record.Kinds() {
		if talks(k) {
			out = append(out, k)
		}
	}
	return out
}

// about is the message that an item is, or is about; zero for neither.
func about(k record.Kind, id, target index.Tag) index.Tag {
	if target != (index.Tag{}) && (annotates(k) || k == record.MediaBytes || id == index.Tag{}) {
		return target
	}
	return id
}
