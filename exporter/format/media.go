package format

import (
	"mime"
	"path"
	"strings"
)

// shown lists the file types that a transcript may show in place, by the
// extension their file has in the bag, with what their first bytes must be.
// No type on the list can carry a script.
var shown = map[string]struct {
	as    string // element
	sniff []string
}{
	".jpg":  {"image", []string{"image/jpeg"}},
	".png":  {"image", []string{"image/png"}},
	".gif":  {"image", []string{"image/gif"}},
	".webp": {"image", []string{"image/webp"}},
	".mp4":  {"video", []string{"video/mp4"}},
	".3gp":  {"video", []string{"video/3gpp"}},
	".webm": {"video", []string{"video/webm"}},
	".ogg":  {"audio", []string{"application/ogg"}},
	".mp3":  {"audio", []string{"audio/mpeg"}},
	".m4a":  {"audio", []string{"video/mp4"}},
	".aac":  {"audio", []string{"audio/aac"}},
	".wav":  {"audio", []string{"audio/wave"}},
}

// extensions of media files by the MIME type the platform states. Whatever is
// not on the list is .bin: a browser that opens it asks what to do with it.
var extensions = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp",
	"video/mp4": ".mp4", "video/3gpp": ".3gp", "video/webm": ".webm",
	"audio/ogg": ".ogg", "audio/opus": ".ogg", "audio/mpeg": ".mp3", "audio/mp4": ".m4a", "audio/aac": ".aac", "audio/amr": ".amr", "audio/wav": ".wav",
	"application/pdf": ".pdf", "text/plain": ".txt", "text/csv": ".csv", "application/zip": ".zip",
	"application/msword": ".doc", "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt",
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   ".docx",
	"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":         ".xlsx",
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
}

// MediaPath is where the bag has media bytes with a SHA-256 (hex) and the MIME
// type that was stated for them. The extension is of a type that runs nothing
// when it is opened; where the stated type is another, it is .bin.
func MediaPath(sha256, stated string) string {
	ext, ok := extensions[mediaType(stated)]
	if !ok {
		ext = ".bin"
	}
	return "data/media/" + sha256 + ext
}

func mediaType(stated string) string {
	t, _, err := mime.ParseMediaType(stated)
	if err != nil {
		t, _, _ = strings.Cut(stated, ";")
	}
	return strings.ToLower(strings.TrimSpace(t))
}

// safeFile is a file name of letters, digits, dot, dash and underscore, at most
// 60 long, with the extension of the name that was sent. "" gives "file".
func safeFile(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	clean := func(s string) string {
		return strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
				return r
			}
			return '_'
		}, s)
	}
	ext := path.Ext(name)
	base := clean(strings.TrimSuffix(name, ext))
	if ext = clean(strings.TrimPrefix(ext, ".")); len(ext) > 8 {
		base, ext = base+"_"+ext, ""
	}
	if base = strings.Trim(base, "_"); base == "" {
		base = "file"
	}
	if ext != "" {
		ext = "." + ext
	}
	if len(base)+len(ext) > 60 {
		base = base[:60-len(ext)]
	}
	return base + ext
}
