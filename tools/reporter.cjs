/** Mocha's spec reporter, which also writes each test's outcome to the file named in RINGSIDE_RESULTS. */
const { writeFileSync } = require('node:fs');
const { reporters, Runner } = require('mocha');

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING } = Runner.constants;

module.exports = class ResultReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const results = [];
    const add = (outcome) => (test, error) => results.push({ title: test.fullTitle(), outcome, ...(error && { error: error.message }) });
    runner.on(EVENT_TEST_PASS, add('passed'));
    runner.on(EVENT_TEST_FAIL, add('failed'));
    runner.on(EVENT_TEST_PENDING, add('left out'));
    runner.on(EVENT_RUN_END, () => {
      const file = process.env.RINGSIDE_RESULTS;
      if (file) writeFileSync(file, JSON.stringify(results));
    });
  }
};
