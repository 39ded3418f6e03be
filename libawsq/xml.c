/* The only file that includes libxml2. */
#include "banned.h"

#include "xml.h"

#include <awsq/buf.h>
#include <awsq/err.h>
#include <awsq/xml.h>

#include <libxml/parser.h>
#include <libxml/parserInternals.h>

#define MAX_NESTED_LISTS 8
#define MAX_PATH_BYTES   2048
#define MAX_TEXT_BYTES   (1024 * 1024)

/* A struct being filled: the whole response, or an item of a list within it. */
struct frame {
	const struct awsq_shape *shape;
	void *value;
	size_t base; /* length of the path at which the struct's own element stands */
};

struct awsq_xml {
	xmlParserCtxtPtr parser;
	struct frame frames[MAX_NESTED_LISTS];
	size_t depth;         /* frames in use */
	struct awsq_buf path; /* of the open elements below the root: "/a/b/c" */
	struct awsq_buf text; /* of the innermost element */
	int leaf;             /* no child has ended inside the innermost element */
	int error;
};

static void stop(struct awsq_xml *x, int code)
{
	if (x->error == 0)
		x->error = code;
	xmlStopParser(x->parser);
}

static const struct awsq_field *find_field(const struct frame *f, const struct awsq_buf *path,
	int want_list)
{
	const char *relative = path->len > f->base ? path->data + f->base + 1 : "";

	for (size_t i = 0; i < f->shape->n_fields; i++) {
		const struct awsq_field *field = &f->shape->fields[i];

		if ((field->type == AWSQ_FIELD_LIST) == want_list &&
			strcmp(field->path, relative) == 0)
			return field;
	}
	return NULL;
}

static void push_item(struct awsq_xml *x, const struct awsq_field *list)
{
	struct frame *parent = &x->frames[x->depth - 1];
	void *item;

	if (x->depth == MAX_NESTED_LISTS) {
		stop(x, AWSQ_EPARSE);
		return;
	}
	item = awsq_shape_append(list, parent->value);
	if (!item) {
		stop(x, AWSQ_ENOMEM);
		return;
	}
	x->frames[x->depth++] = (struct frame){ list->item, item, x->path.len };
}

static void on_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
	int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_defaulted,
	const xmlChar **attributes)
{
	struct awsq_xml *x = arg;
	const struct awsq_field *list;

	(void)prefix, (void)uri, (void)n_namespaces, (void)namespaces;
	(void)n_attributes, (void)n_defaulted, (void)attributes;
	awsq_buf_truncate(&x->text, 0);
	x->leaf = 1;
	if (x->parser->nameNr == 0)
		return; /* the root element is not part of any path */
	awsq_buf_addc(&x->path, '/');
	awsq_buf_adds(&x->path, (const char *)name);
	if (awsq_buf_error(&x->path)) {
		stop(x, AWSQ_EPARSE);
		return;
	}
	list = find_field(&x->frames[x->depth - 1], &x->path, 1);
	if (list)
		push_item(x, list);
}

static void on_text(void *arg, const xmlChar *text, int len)
{
	struct awsq_xml *x = arg;

	awsq_buf_add(&x->text, text, (size_t)len);
	if (awsq_buf_error(&x->text))
		stop(x, awsq_buf_error(&x->text));
}

static void on_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct awsq_xml *x = arg;
	struct frame *frame = &x->frames[x->depth - 1];
	const struct awsq_field *field = x->leaf ? find_field(frame, &x->path, 0) : NULL;
	int rc = field ? awsq_shape_set(field, frame->value, awsq_buf_str(&x->text)) : 0;

	(void)prefix, (void)uri;
	if (rc != 0)
		stop(x, rc);
	x->leaf = 0;
	if (x->path.len == 0)
		return; /* the root's own end */
	if (x->path.len == frame->base)
		x->depth--;
	awsq_buf_truncate(&x->path, x->path.len - strlen((const char *)name) - 1);
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *public_id,
	const xmlChar *system_id)
{
	(void)name, (void)public_id, (void)system_id;
	stop(arg, AWSQ_EPARSE);
}

/* libxml2 would print to stderr. What is wrong is of no use to anyone: that it is wrong, is. */
static void on_error(void *arg, xmlErrorPtr error)
{
	(void)arg, (void)error;
}

static xmlSAXHandler handlers(void)
{
	xmlSAXHandler sax = { 0 };

	sax.initialized = XML_SAX2_MAGIC;
	sax.startElementNs = on_start;
	sax.endElementNs = on_end;
	sax.characters = on_text;
	sax.cdataBlock = on_text;
	sax.internalSubset = on_doctype;
	sax.serror = on_error;
	return sax;
}

void xml_global_init(void)
{
	xmlInitParser();
}

int awsq_xml_new(struct awsq_xml **out, const struct awsq_shape *shape, void *value)
{
	xmlSAXHandler sax = handlers();
	struct awsq_xml *x = calloc(1, sizeof(*x));

	*out = NULL;
	if (!x)
		return AWSQ_ENOMEM;
	awsq_buf_init(&x->path, MAX_PATH_BYTES);
	awsq_buf_init(&x->text, MAX_TEXT_BYTES);
	x->frames[0] = (struct frame){ shape, value, 0 };
	x->depth = 1;
	x->parser = xmlCreatePushParserCtxt(&sax, x, NULL, 0, NULL);
	if (!x->parser) {
		awsq_xml_free(x);
		return AWSQ_ENOMEM;
	}
	/* Every AWS service writes UTF-8. Of others libxml2 would print what is wrong with them. */
	(void)xmlSwitchEncoding(x->parser, XML_CHAR_ENCODING_UTF8);
	(void)xmlCtxtUseOptions(x->parser, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
	*out = x;
	return 0;
}

static int parse(struct awsq_xml *x, const char *data, size_t len, int last)
{
	if (x->error == 0 && (len > INT32_MAX || xmlParseChunk(x->parser, data, (int)len, last)) &&
		x->error == 0)
		x->error = AWSQ_EPARSE;
	return x->error;
}

int awsq_xml_feed(struct awsq_xml *x, const char *data, size_t len)
{
	return parse(x, data, len, 0);
}

int awsq_xml_finish(struct awsq_xml *x)
{
	return parse(x, "", 0, 1);
}

void awsq_xml_free(struct awsq_xml *x)
{
	if (!x)
		return;
	if (x->parser)
		xmlFreeParserCtxt(x->parser);
	awsq_buf_free(&x->path);
	awsq_buf_free(&x->text);
	free(x);
}
