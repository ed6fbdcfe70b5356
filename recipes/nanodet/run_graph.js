// Run a graph of TensorFlow.js on one input, in plain JavaScript.
//   node run_graph.js TF.js GRAPH.json INPUT OUTPUT NAME...
// INPUT has the float32 values of the graph's input; OUTPUT gets those of the named outputs, one
// after the other.
const fs = require('fs');
const path = require('path');

async function main([library, graph, input, output, ...names]) {
  const tf = require(path.resolve(library));
  const content = JSON.parse(fs.readFileSync(graph));
  const paths = content.weightsManifest.flatMap((group) => group.paths);
  const weights = paths.map((name) => fs.readFileSync(path.join(path.dirname(graph), name)));
  const model = await tf.loadGraphModel(tf.io.fromMemory({
    modelTopology: content.modelTopology,
    weightSpecs: content.weightsManifest.flatMap((group) => group.weights),
    weightData: new Uint8Array(Buffer.concat(weights)).buffer,
  }));
  const bytes = new Uint8Array(fs.readFileSync(input)).buffer;
  const values = tf.tensor(new Float32Array(bytes), model.inputs[0].shape);
  const found = model.execute(values, names).map((one) => one.dataSync());
  fs.writeFileSync(output, Buffer.concat(found.map((one) => Buffer.from(one.buffer))));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exit(1);
});
