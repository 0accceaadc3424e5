// A command line for Roslyn that compiles many assemblies in one process.
//
//     dotnet csc.dll BATCH
//     dotnet csc.dll @RESPONSE-FILE
//
// BATCH names a text file whose every line names a response file with csc's own options. They are
// compiled in that order, so that a later one can refer to an earlier one's output. Diagnostics go
// to standard output, each behind "RESPONSE-FILE: ". Exit code 1 if one of them failed.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Emit;
using Microsoft.CodeAnalysis.Text;

static class Program
{
    // The framework's assemblies are read once, whatever the number of compilations. A path that
    // this run has written is read again.
    static readonly Dictionary<string, PortableExecutableReference> References =
        new Dictionary<string, PortableExecutableReference>();
    static readonly Dictionary<string, SyntaxTree> Trees = new Dictionary<string, SyntaxTree>();

    static int Main(string[] args)
    {
        bool good = true;
        string[] lines = args[0].StartsWith("@") ? new[] { args[0].Substring(1) } : File.ReadAllLines(args[0]);
        foreach (string line in lines)
            if (line.Length > 0)
                good &= Compile(line);
        return good ? 0 : 1;
    }

    static bool Compile(string responseFile)
    {
        string folder = Directory.GetCurrentDirectory();
        CSharpCommandLineArguments options =
            CSharpCommandLineParser.Default.Parse(new[] { "@" + responseFile }, folder, folder, null);
        if (options.Errors.Any(error => error.Severity == DiagnosticSeverity.Error))
            return Report(responseFile, options.Errors);

        foreach (CommandLineReference reference in options.MetadataReferences)
            if (!File.Exists(reference.Reference))
            {
                Console.Out.WriteLine(responseFile + ": no such reference: " + reference.Reference);
                return false;
            }

        var parse = options.ParseOptions;
        string symbols = string.Join(";", parse.PreprocessorSymbolNames.OrderBy(name => name)) + "|" + parse.LanguageVersion;
        var trees = new List<SyntaxTree>();
        foreach (CommandLineSourceFile source in options.SourceFiles)
        {
            SyntaxTree tree;
            if (!Trees.TryGetValue(source.Path + "|" + symbols, out tree))
            {
                using (FileStream file = File.OpenRead(source.Path))
                {
                    SourceText text = SourceText.From(file, options.Encoding, options.ChecksumAlgorithm);
                    tree = CSharpSyntaxTree.ParseText(text, (CSharpParseOptions)parse, source.Path);
                }
                Trees[source.Path + "|" + symbols] = tree;
            }
            trees.Add(tree);
        }

        var compilation = CSharpCompilation.Create(
            options.CompilationName ?? Path.GetFileNameWithoutExtension(options.OutputFileName),
            trees,
            options.MetadataReferences.Select(reference => Reference(reference.Reference)),
            (CSharpCompilationOptions)options.CompilationOptions);
        string output = Path.Combine(options.OutputDirectory, options.OutputFileName);
        using (var assembly = new MemoryStream())
        using (var symbolFile = options.EmitPdb ? new MemoryStream() : null)
        {
            EmitOptions emit = options.EmitOptions.WithDebugInformationFormat(DebugInformationFormat.PortablePdb);
            EmitResult result = compilation.Emit(
                assembly, symbolFile, null, null, null, emit, null, CancellationToken.None);
            Report(responseFile, result.Diagnostics);
            if (!result.Success)
                return false;
            File.WriteAllBytes(output, assembly.ToArray());
            if (symbolFile != null)
                File.WriteAllBytes(Path.ChangeExtension(output, ".pdb"), symbolFile.ToArray());
        }
        References.Remove(Path.GetFullPath(output));
        return true;
    }

    static PortableExecutableReference Reference(string path)
    {
        path = Path.GetFullPath(path);
        PortableExecutableReference reference;
        if (!References.TryGetValue(path, out reference))
            References[path] = reference = MetadataReference.CreateFromFile(path);
        return reference;
    }

    static bool Report(string responseFile, IEnumerable<Diagnostic> diagnostics)
    {
        foreach (Diagnostic diagnostic in diagnostics)
            if (diagnostic.Severity >= DiagnosticSeverity.Warning && !diagnostic.IsSuppressed)
                Console.Out.WriteLine(responseFile + ": " + diagnostic);
        return false;
    }
}
