#include "banned.h"

#include "fleet/grow.h"
#include "runs/retrieve_text.h"

#define GLOB_SPECIAL "*?[]!^-" /* what has a meaning in a pattern, or within its brackets */

/*
 * What of a pattern is not special to patterns is quoted, as is all of it where special is "". To a
 * relative path "./" is given, so that none is taken for an option.
 */
static void add_quoted(struct awsq_buf *text, const char *s, const char *special)
{
	int quoted = 0;

	if (s[0] != '/')
		awsq_buf_adds(text, "./");
	for (; *s; s++) {
		int quote = !strchr(special, *s);

		if (quote != quoted)
			awsq_buf_addc(text, '\'');
		quoted = quote;
		if (*s == '\'')
			awsq_buf_adds(text, "'\\''");
		else
			awsq_buf_addc(text, *s);
	}
	if (quoted)
		awsq_buf_addc(text, '\'');
}

/* The mark, and the folder. The list is kept where the next one replaces it. */
static void add_begin(struct awsq_buf *text, const char *mark, const char *run_id,
	const char *workdir)
{
	awsq_buf_addf(text,
		"printf '%%s\\n' %s\n"
		"no() { printf 'no %%s\\n' \"$*\"; exit; }\n"
		"LC_ALL=C\nexport LC_ALL\numask 077\n"
		"lists=$HOME/.awsq/lists list=$HOME/.awsq/lists/%s\n"
		"cd || no there is no home folder\n",
		mark, run_id);
	if (!workdir)
		return;
	awsq_buf_adds(text, "cd ");
	add_quoted(text, workdir, "");
	awsq_buf_adds(text, " || no there is no folder ");
	add_quoted(text, workdir, "");
	awsq_buf_addc(text, '\n');
}

/*
 * A beat while sums are made, as a large file takes its time. What sleeps may outlive its shell,
 * and must not hold the answer open.
 */
static const char list_begin[] =
	"if command -v sha256sum; then sum=sha256sum\n"
	"elif command -v shasum; then sum='shasum -a 256'\n"
	"elif command -v openssl; then sum='openssl dgst -sha256 -r'\n"
	"else no 'there is none of sha256sum, shasum and openssl'\n"
	"fi >/dev/null\n"
	"export sum\n"
	"each='for f; do\n"
	"n=$f\n"
	"case $f in\n"
	"*[!A-Za-z0-9._/-]*) n=x$(printf %s \"$f\" | od -An -v -tx1 | tr -d \" \\n\") ;;\n"
	"esac\n"
	"s=$(wc -c <\"$f\") && h=$($sum <\"$f\") && echo \"${h%% *}\" $s \"$n\" || echo \"? - "
	"$n\"\n"
	"done'\n"
	"find_files() {\n"
	"p=$1\n"
	"shift\n"
	"if [ -e \"$1\" ] || [ $# -gt 1 ]; then\n"
	"find -H \"$@\" -type f -exec sh -c \"$each\" sh {} +\n"
	"else\n"
	"echo \"- $p -\"\n"
	"fi\n"
	"}\n"
	"rm -rf \"$lists\"\n"
	"mkdir -p \"$lists\" && : >\"$list\" || no \"cannot write to '$lists'\"\n"
	"while :; do sleep 5 >/dev/null 2>&1; echo t; done &\n"
	"beat=$!\n"
	"{\n";

static const char list_end[] = "} >\"$list\" 2>/dev/null || full=1\n"
			       "kill $beat 2>/dev/null\n"
			       "wait $beat 2>/dev/null\n"
			       "[ -z \"$full\" ] || no \"cannot write to '$lists'\"\n"
			       "size=$(wc -c <\"$list\") || no \"cannot read '$list'\"\n"
			       "size=$((size))\n";

int retrieve_text_list(struct awsq_buf *text, const char *mark, const char *run_id,
	const char *workdir, const struct config_strings *patterns, int coded)
{
	add_begin(text, mark, run_id, workdir);
	awsq_buf_adds(text, list_begin);
	for (size_t i = 0; i < patterns->n; i++) {
		awsq_buf_addf(text, "find_files %zu ", i);
		add_quoted(text, patterns->items[i], GLOB_SPECIAL);
		awsq_buf_addc(text, '\n');
	}
	awsq_buf_adds(text, "echo\n"); /* an empty line at the end: else the disk was full */
	awsq_buf_adds(text, list_end);
	if (coded)
		awsq_buf_adds(text, "echo s 0 $size\n");
	else
		awsq_buf_adds(text, "echo s 0 0\necho o $size\ncat \"$list\"\n");
	awsq_buf_adds(text, "echo end 0 0\n");
	return awsq_buf_error(text);
}

/* What is announced is sent, come what may to the file meanwhile: its sum then tells. */
static const char pieces_begin[] =
	"bytes() { { tail -c +$(($2 + 1)) <\"$4\"; cat /dev/zero; } 2>/dev/null | head -c $3; }\n"
	"code() { base64 2>/dev/null || openssl base64; }\n"
	"piece() {\n"
	"echo s $1 $2\n"
	"[ -f \"$4\" ] && [ -r \"$4\" ] || { echo gone; return; }\n"
	"echo $kind $3\n"
	"case $kind in\n"
	"o) bytes \"$@\" ;;\n"
	"O) bytes \"$@\" | code; echo . ;;\n"
	"esac\n"
	"}\n";

int retrieve_text_pieces(struct awsq_buf *text, const char *mark, const char *run_id,
	const char *workdir, const struct retrieve_piece *pieces, size_t n, int coded)
{
	add_begin(text, mark, run_id, workdir);
	awsq_buf_adds(text, pieces_begin);
	awsq_buf_addf(text, "kind=%c\n", coded ? 'O' : 'o');
	for (size_t i = 0; i < n; i++) {
		awsq_buf_addf(text, "piece %zu %llu %llu ", pieces[i].number,
			(unsigned long long)pieces[i].at, (unsigned long long)pieces[i].len);
		if (pieces[i].number == 0)
			awsq_buf_adds(text, "\"$list\"");
		else
			add_quoted(text, pieces[i].name, "");
		awsq_buf_addc(text, '\n');
	}
	awsq_buf_adds(text, "echo end 0 0\n");
	return awsq_buf_error(text);
}

size_t retrieve_coded_size(uint64_t len)
{
	/* Lines of 64 characters where it is openssl's, and the frames around them. */
	return (size_t)((len + 47) / 48 * 65 + 100);
}

/* ---- The list */

/*
 * The path below a folder that a name on the instance stands for, without "." and empty parts; NULL
 * when there is none that stays in there.
 */
static char *path_of(const char *name)
{
	struct awsq_buf path = AWSQ_BUF_INIT(4000);

	if (name[0] == '/')
		return NULL;
	while (*name) {
		size_t len = strcspn(name, "/");

		if ((len == 2 && memcmp(name, "..", 2) == 0) || len > 255) {
			awsq_buf_free(&path);
			return NULL;
		}
		if (len > 0 && !(len == 1 && name[0] == '.')) {
			if (path.len > 0)
				awsq_buf_addc(&path, '/');
			awsq_buf_add(&path, name, len);
		}
		name += len + (name[len] == '/');
	}
	return path.len > 0 ? awsq_buf_take(&path) : NULL;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* A name as the list has it, len bytes long. NULL when it is none, or without memory. */
static char *decode_name(const char *text, size_t len)
{
	char *name = calloc(len + 1, 1);
	size_t n = 0;

	if (!name || len < 3 || (text[0] != 'x' && memcmp(text, "./", 2) != 0))
		goto fail;
	if (text[0] == '.') {
		memcpy(name, text, len);
		name[len] = '\0';
		return name;
	}
	if (len % 2 == 0)
		goto fail;
	for (size_t i = 1; i < len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0 || high + low == 0)
			goto fail;
		name[n++] = (char)(16 * high + low);
	}
	name[n] = '\0';
	return name;
fail:
	free(name);
	return NULL;
}

static int read_number(uint64_t *out, const char *text, size_t len)
{
	uint64_t value = 0;

	if (len == 0 || len > 18)
		return AWSQ_EPARSE;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return AWSQ_EPARSE;
		value = 10 * value + (uint64_t)(text[i] - '0');
	}
	*out = value;
	return 0;
}

/* A line's three words. */
struct words {
	const char *at[3];
	size_t len[3];
};

static int split(struct words *out, const char *line, size_t len)
{
	const char *end = line + len;

	for (int i = 0; i < 3; i++) {
		const char *blank = memchr(line, ' ', (size_t)(end - line));

		out->at[i] = line;
		out->len[i] = (size_t)((blank ? blank : end) - line);
		if (out->len[i] == 0 || (blank == NULL) != (i == 2))
			return AWSQ_EPARSE;
		line = blank ? blank + 1 : end;
	}
	return 0;
}

static int read_unmatched(struct retrieve_list *list, const struct words *w)
{
	size_t *more = grow(list->unmatched, list->n_unmatched, sizeof(*more));
	uint64_t number;

	if (!more)
		return AWSQ_ENOMEM;
	list->unmatched = more;
	if (read_number(&number, w->at[1], w->len[1]) != 0)
		return AWSQ_EPARSE;
	more[list->n_unmatched++] = (size_t)number;
	return 0;
}

static int read_file(struct retrieve_list *list, const struct words *w)
{
	struct retrieve_file *more, file = { .readable = w->at[0][0] != '?' };

	more = grow(list->files, list->n, sizeof(*more));
	if (!more)
		return AWSQ_ENOMEM;
	list->files = more;
	if (file.readable && (w->len[0] != sizeof(file.sha256) - 1 ||
				     read_number(&file.size, w->at[1], w->len[1]) != 0))
		return AWSQ_EPARSE;
	for (size_t i = 0; file.readable && i < w->len[0]; i++) {
		if (hex_digit(w->at[0][i]) < 0)
			return AWSQ_EPARSE;
		file.sha256[i] = w->at[0][i];
	}
	file.name = decode_name(w->at[2], w->len[2]);
	if (!file.name)
		return AWSQ_EPARSE;
	file.path = path_of(file.name);
	list->files[list->n++] = file;
	return 0;
}

static int compare_files(const void *a, const void *b)
{
	const char *one = ((const struct retrieve_file *)a)->path;
	const char *other = ((const struct retrieve_file *)b)->path;

	return strcmp(one ? one : "", other ? other : "");
}

static void free_file(struct retrieve_file *file)
{
	free(file->name);
	free(file->path);
}

/* Several patterns may fit one file. */
static void sort(struct retrieve_list *list)
{
	size_t kept = 0;

	if (list->n > 0)
		qsort(list->files, list->n, sizeof(*list->files), compare_files);
	for (size_t i = 0; i < list->n; i++) {
		if (kept > 0 && list->files[i].path &&
			compare_files(&list->files[kept - 1], &list->files[i]) == 0)
			free_file(&list->files[i]);
		else
			list->files[kept++] = list->files[i];
	}
	list->n = kept;
}

int retrieve_list_read(struct retrieve_list *out, const char *text, size_t max)
{
	*out = (struct retrieve_list){ 0 };
	for (;;) {
		size_t len = strcspn(text, "\n");
		struct words words = { 0 };
		int rc;

		if (text[len] != '\n')
			return AWSQ_EPARSE;
		if (len == 0) {
			sort(out);
			return text[1] == '\0' ? 0 : AWSQ_EPARSE;
		}
		if (out->n == max)
			return AWSQ_ETOOBIG;
		rc = split(&words, text, len);
		if (rc == 0)
			rc = words.at[0][0] == '-' ? read_unmatched(out, &words)
			                           : read_file(out, &words);
		if (rc != 0)
			return rc;
		text += len + 1;
	}
}

void retrieve_list_free(struct retrieve_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free_file(&list->files[i]);
	free(list->files);
	free(list->unmatched);
	*list = (struct retrieve_list){ 0 };
}
