/*
 * xml.h (private): libxml2's own state.
 */
#ifndef XML_H
#define XML_H

/* Once in a program, before other threads; and after them. */
void xml_global_init(void);
void xml_global_free(void);

#endif
