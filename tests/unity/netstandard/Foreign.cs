// Says which types of the system the given assemblies refer to that netstandard.dll does not list.
//
//     Foreign.exe NETSTANDARD.DLL ASSEMBLY ...
//
// Prints how many types were looked at, then each that is missing; exit code 1 if there is one.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

static class Foreign
{
    static int Main(string[] args)
    {
        var listed = new HashSet<string>();
        using (var file = new PEReader(File.OpenRead(args[0])))
        {
            MetadataReader standard = file.GetMetadataReader();
            foreach (ExportedType type in standard.ExportedTypes.Select(standard.GetExportedType))
                listed.Add(standard.GetString(type.Namespace) + "." + standard.GetString(type.Name));
        }
        var looked = new HashSet<string>();
        var missing = new SortedSet<string>();
        foreach (string path in args.Skip(1))
            using (var file = new PEReader(File.OpenRead(path)))
            {
                MetadataReader assembly = file.GetMetadataReader();
                foreach (TypeReferenceHandle handle in assembly.TypeReferences)
                {
                    TypeReference type = assembly.GetTypeReference(handle);
                    // A nested type stands or falls with the one around it.
                    if (type.ResolutionScope.Kind != HandleKind.AssemblyReference) continue;
                    AssemblyReference home = assembly.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope);
                    string system = assembly.GetString(home.Name);
                    if (!system.StartsWith("System") && !system.StartsWith("Microsoft") && system != "netstandard") continue;
                    string name = assembly.GetString(type.Namespace) + "." + assembly.GetString(type.Name);
                    looked.Add(name);
                    if (!listed.Contains(name)) missing.Add(name + " (" + system + "), in " + Path.GetFileName(path));
                }
            }
        Console.WriteLine(looked.Count + " types");
        foreach (string name in missing) Console.WriteLine(name);
        return missing.Count == 0 ? 0 : 1;
    }
}
