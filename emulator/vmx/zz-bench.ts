import { TestProcessor, PROCESSOR_2 } from '/work/main/emulator/vmx/test-processor.js';
const t = new TestProcessor().enterVmx();
if (process.argv[2] === 'vpid') t.write({ 'secondary processor-based VM-execution controls': PROCESSOR_2['enable VPID'] });
t.launch();
t.perform('CPUID', [], 2);
const N = 100000;
t.raised.length=0;
t.cpu.observer.raise = () => false;
for (let k = 0; k < 5; k++) {
const t0 = process.cpuUsage().user;
for (let i = 0; i < N; i++) { t.perform('VMRESUME', [], 3); t.perform('CPUID', [], 2); }
console.log((process.cpuUsage().user - t0) / N, 'us per round trip');
}
