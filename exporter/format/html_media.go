package format

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/waxseal/waxseal/archiver/record"
)

// viewMedia decides how media is shown: in place where its file is of a type
// that runs nothing and its first bytes agree, else as a link, else as words.
func viewMedia(a *Media, k record.Kind) (*mediaView, error) {
	v := &mediaView{Name: a.display(k), Link: up(a.Path)}
	about := []string{plain(a.MIME)}
	if a.Size > 0 {
		about = append(about, byteSize(a.Size))
	}
	v.About = join(", ", about...)
	if a.Path == "" {
		v.Note = first(a.Reason, "the archive does not have its bytes")
		return v, nil
	}
	v.Note = a.Differs()
	kind, ok := shown[path.Ext(a.Path)]
	if !ok {
		return v, nil
	}
	begin, err := a.begin()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(kind.sniff, sniff(begin)) {
		v.Note = join("; ", v.Note, "not shown: its bytes are not of the type that was stated")
		return v, nil
	}
	v.As = kind.as
	return v, nil
}

// begin is the first 512 bytes.
func (a *Media) begin() ([]byte, error) {
	r, err := a.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", a.Path, err)
	}
	defer r.Close()
	b := make([]byte, 512)
	n, err := io.ReadFull(r, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read %s: %w", a.Path, err)
	}
	return b[:n], nil
}

// sniff names the type of bytes by how they begin: the WHATWG rules of
// net/http, and what phones record.
func sniff(b []byte) string {
	switch {
	case len(b) > 12 && bytes.Equal(b[4:8], []byte("ftyp")):
		if strings.HasPrefix(string(b[8:12]), "3g") {
			return "video/3gpp"
		}
		return "video/mp4"
	case len(b) > 2 && b[0] == 0xFF && b[1]&0xF6 == 0xF0:
		return "audio/aac"
	case len(b) > 2 && b[0] == 0xFF && b[1]&0xE0 == 0xE0 && b[1]&0x06 != 0:
		return "audio/mpeg"
	}
	t := http.DetectContentType(b)
	return strings.TrimSpace(strings.SplitN(t, ";", 2)[0])
}
