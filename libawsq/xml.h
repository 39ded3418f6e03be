/*
 * xml.h (private): libxml2's own state.
 */
#ifndef XML_H
#define XML_H

/*
 * Once in a program, before other threads. It is never undone: the program may use libxml2 too.
 */
void xml_global_init(void);

#endif
