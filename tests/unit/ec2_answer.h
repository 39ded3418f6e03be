/*
 * ec2_answer.h: answers of EC2 for the tests, taken into the struct of the call that they are to.
 */
#ifndef AWSQ_TESTS_EC2_ANSWER_H
#define AWSQ_TESTS_EC2_ANSWER_H

#include <awsq/client.h>
#include <awsq/xml.h>

#define EC2(action, text)                                                        \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<" action "Response xmlns=" \
	"\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"                        \
	"  <requestId>8f7724cf-496f-496e-8fe3-example</requestId>\n" text "</" action "Response>"

/* Parses an answer to a call, which is ended: byte by byte, then all at once, with one result. */
static inline void answer(struct awsq_call *call, const char *text)
{
	struct awsq_xml *x;

	assert_int_equal(awsq_xml_new(&x, call->shape, call->out), 0);
	for (const char *at = text; *at; at++)
		assert_int_equal(awsq_xml_feed(x, at, 1), 0);
	assert_int_equal(awsq_xml_finish(x), 0);
	awsq_xml_free(x);
	awsq_shape_free(call->shape, call->out);
	assert_int_equal(awsq_xml_new(&x, call->shape, call->out), 0);
	assert_int_equal(awsq_xml_feed(x, text, strlen(text)), 0);
	assert_int_equal(awsq_xml_finish(x), 0);
	awsq_xml_free(x);
	awsq_call_free(call);
}

#endif
